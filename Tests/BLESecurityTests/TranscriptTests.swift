import Bytes
import Cryptography
import LinkProtocol
import Testing

@testable import BLESecurity

/// Whole pairings of another implementation, Bumble, octet by octet.
@Suite struct TranscriptTests {
  @Test(arguments: 0..<6)
  func theBoardSaysWhatBumbleSays(_ index: Int) throws {
    let vector = try Vectors.load().pairings[index]
    let now = Timestamp(microseconds: 0)
    var security = SecurityManager(seed: Words256(hex: vector.seed))
    security.policy =
      switch vector.method {
      case "display": .displayedPasskey
      case "cable": .cable(CableSecret(Block128(hex: vector.secret)))
      default: .justWorks
      }
    security.connected(local: vector.board.value, peer: vector.central.value, bond: nil, now: now)
    #expect(security.boardNonce == UInt64(vector.boardNonce, radix: 16))
    security.received(gatewayNonce: UInt64(vector.gatewayNonce, radix: 16)!)
    while security.work(now: now) {}

    var buffer = BoundedBytes(capacity: SecurityManager.maximumPDULength)
    var events: [SecurityEvent] = []
    for message in vector.pdus {
      let pdu = unhex(message.pdu)
      if message.from == "central" {
        if pdu[0] == 0x08 {
          let key = security.longTermKeyRequested(random: 0, diversifier: 0)
          #expect(key == Block128(hex: vector.longTermKey))
          security.encryptionChanged(isOn: true, now: now)
        }
        security.received(pdu: pdu.span, now: now)
        while security.work(now: now) {}
      } else {
        let hasSpoken = security.nextPDU(into: &buffer)
        #expect(hasSpoken)
        #expect(buffer.copied() == pdu)
      }
      while let event = security.takeEvent() { events.append(event) }
    }
    let hasMore = security.nextPDU(into: &buffer)
    #expect(!hasMore)
    if vector.isBonding {
      let bond = Bond(
        peerIdentity: vector.central.value, peerResolvingKey: Block128(hex: vector.resolvingKey),
        longTermKey: Block128(hex: vector.longTermKey), isAuthenticated: vector.passkey != nil)
      #expect(events.last == .paired(bond))
    } else {
      let key = security.longTermKeyRequested(random: 0, diversifier: 0)
      #expect(key == Block128(hex: vector.longTermKey))
      security.encryptionChanged(isOn: true, now: now)
      while let event = security.takeEvent() { events.append(event) }
      #expect(events == [.encrypted(isAuthenticated: false), .paired(nil)])
    }
    if vector.method == "display", let passkey = vector.passkey {
      #expect(events.first == .displayPasskey(passkey))
    }
  }
}
