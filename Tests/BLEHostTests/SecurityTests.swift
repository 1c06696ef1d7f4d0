import BLESecurity
import Bytes
import Cryptography
import Testing

@testable import BLEHost

/// What bonds, pairing and encryption open and close. The pairings themselves are held against another implementation
/// by Tests/Bumble.
struct SecurityTests {
  private let writeConfiguration: [UInt8] = [0x12, 0x22, 0, 1, 0]

  private func bench(_ requirement: SecurityRequirement, bond: BondedPeer? = nil) -> Bench {
    let bench = Bench.started(Bench.configuration(requirement: requirement))
    bench.with { $0.setBond(bond, at: 2) }
    bench.connect(interval: 12)
    _ = bench.takeEvents()
    return bench
  }

  @Test func aStrangerHasToPair() {
    let bench = bench(.encrypted)
    #expect(bench.ask(writeConfiguration) == [0x01, 0x12, 0x22, 0, 0x05])
    #expect(bench.openChannel()[8] == 5)
    bench.encrypt()
    #expect(bench.commands.last?.opcode == 0x201b)
    // Encryption that this host has given no key for is none.
    bench.encryptionChanged(isOn: true)
    #expect(bench.ask(writeConfiguration) == [0x01, 0x12, 0x22, 0, 0x05])
    #expect(bench.carrier == nil)
  }

  @Test func aBondedPeerHasToEncrypt() {
    let bench = bench(.encrypted, bond: Bench.bond(isAuthenticated: false))
    #expect(bench.ask(writeConfiguration) == [0x01, 0x12, 0x22, 0, 0x0f])
    #expect(bench.openChannel()[8] == 8)
    bench.encrypt()
    let key: [UInt8] = [4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]
    #expect(bench.commands.last?.parameters == [0x41, 0] + key)
    #expect(bench.takeEvents() == [.encrypted(isAuthenticated: false)])
    #expect(bench.openChannel()[8] == 0)
    #expect(bench.ask(writeConfiguration) == [0x13])
  }

  @Test func aBondWithoutProofDoesNotSufficeWhereOneIsAskedFor() {
    let bench = bench(.authenticated, bond: Bench.bond(isAuthenticated: false))
    bench.encrypt()
    #expect(bench.ask(writeConfiguration) == [0x01, 0x12, 0x22, 0, 0x05])
    #expect(bench.openChannel()[8] == 5)
    let proven = self.bench(.authenticated, bond: Bench.bond())
    proven.encrypt()
    #expect(proven.openChannel()[8] == 0)
  }

  @Test func keysWithNumbersAreNotKnown() {
    let bench = bench(.encrypted, bond: Bench.bond())
    bench.encrypt(random: 1)
    #expect(bench.commands.last?.opcode == 0x201b)
  }

  @Test func carriersCloseWithEncryption() {
    let bench = bench(.encrypted, bond: Bench.bond())
    bench.encrypt()
    _ = bench.openChannel()
    _ = bench.takeEvents()
    bench.encryptionChanged(isOn: false)
    #expect(bench.takeEvents() == [.carrierClosed(.l2cap, .linkLost)])
    #expect(bench.carrier == nil)
  }

  @Test func whatAPeerConfiguredIsKeptWithItsBond() {
    let bench = bench(.encrypted, bond: Bench.bond())
    bench.encrypt()
    _ = bench.ask(writeConfiguration)
    #expect(bench.takeEvents().contains(.bondChanged(slot: 2)))
    let kept = bench.with { $0.bond(at: 2) }
    #expect(kept?.configuration == ClientConfiguration(rawValue: 2))
    // Another host with what was kept.
    let later = self.bench(.encrypted, bond: kept)
    #expect(later.carrier == nil)
    later.encrypt()
    #expect(later.carrier == .gatt)
    // The same again changes nothing.
    _ = later.takeEvents()
    _ = later.ask(writeConfiguration)
    #expect(later.takeEvents() == [])
  }

  @Test func aBondThatIsTakenOutIsForgotten() {
    let bench = bench(.encrypted, bond: Bench.bond())
    bench.with { $0.setBond(nil, at: 2) }
    bench.disconnect()
    bench.connect()
    bench.encrypt()
    #expect(bench.commands.last?.opcode == 0x201b)
  }

  @Test func bondsFindTheirSlots() {
    func bond(_ number: UInt64) -> Bond {
      Bond(
        peerIdentity: DeviceAddress(kind: .publicDevice, value: number), peerResolvingKey: .zero,
        longTermKey: .zero, isAuthenticated: false)
    }
    var table = BondTable()
    for number in 0..<4 as Range<UInt64> {
      let slot = table.slot(for: bond(number))
      #expect(slot == Int(number))
      table[slot] = BondedPeer(bond: bond(number), configuration: .none)
      table.used(slot)
    }
    table.used(0)
    #expect(table.slot(for: bond(2)) == 2)
    #expect(table.slot(for: bond(9)) == 1)
    table[3] = nil
    #expect(table.slot(for: bond(9)) == 3)
    #expect(table.slot(of: DeviceAddress(kind: .publicDevice, value: 2)) == 2)
    #expect(table.slot(of: DeviceAddress(kind: .random, value: 2)) == nil)
  }

  @Test func bondsComeBackAsTheyWereKept() {
    let peers = [
      Bench.bond(),
      BondedPeer(
        bond: Bench.bond(isAuthenticated: false).bond, configuration: ClientConfiguration(rawValue: 1)),
    ]
    let first = Bench.started(Bench.configuration(requirement: .encrypted))
    first.with {
      $0.setBond(peers[0], at: 0)
      $0.setBond(peers[1], at: 3)
    }
    var octets = BoundedBytes(capacity: 1000)
    first.with { $0.encodeBonds(into: &octets) }
    #expect(octets.count == BLEHost.encodedBondsLength && octets.count == 184)
    for length in 0...octets.count {
      let second = Bench.started(Bench.configuration(requirement: .encrypted))
      second.with { $0.restoreBonds(octets.span.extracting(0..<length)) }
      let kept = second.with { host in (0..<4).map { host.bond(at: $0) } }
      #expect(kept == [length >= 46 ? peers[0] : nil, nil, nil, length == 184 ? peers[1] : nil])
    }
    // A bond of which a bit is wrong is none, and the others are.
    var damaged = octets.copied()
    damaged[20] ^= 4
    let third = Bench.started(Bench.configuration(requirement: .encrypted))
    third.with { $0.restoreBonds(damaged.span) }
    #expect(third.with { host in (0..<4).map { host.bond(at: $0) } } == [nil, nil, nil, peers[1]])
  }

  @Test func whatHappensIsSaidInALine() {
    func line(_ event: HostEvent) -> String {
      var text = BoundedBytes(capacity: HostEvent.longestLine)
      event.appendLine(to: &text)
      return String(decoding: text.copied(), as: UTF8.self)
    }
    #expect(line(.displayPasskey(7)) == "passkey 000007")
    #expect(line(.displayPasskey(999_999)) == "passkey 999999")
    #expect(line(.paired(isAuthenticated: true)) == "paired, authenticated")
    #expect(line(.encrypted(isAuthenticated: false)) == "encrypted")
    #expect(line(.pairingRefused(.pairingNotSupported)) == "pairing refused: pairingNotSupported")
    #expect(line(.pairingFailed(.refusedByPeer(255))) == "pairing failed: refused by the gateway, reason 255")
    #expect(
      line(.controllerFailed(.noAnswer(opcode: 0xffff))) == "controller failed: no answer to command 65535")
    #expect(line(.carrierOpened(.gatt)) == "")
    for reason in (0...255 as ClosedRange<UInt8>).compactMap(PairingFailedReason.init(rawValue:)) {
      #expect(line(.pairingFailed(.refused(reason))) == "pairing failed: refused, \(reason)")
    }
  }

  @Test func boardsAreNamedByTheirNumber() {
    let configuration = BLEHostConfiguration(
      board: 0x7f3a_21c0_00fe_0001, model: ShortText("m"), firmware: ShortText("1"), hardware: ShortText("h"),
      maximumFrame: 400, mode: .cable)
    #expect(configuration.texts.name == ShortText("FedBridge 7F3A21C000FE0001"))
    #expect(configuration.address == DeviceAddress(kind: .random, value: 0xe1c0_00fe_0001))
    #expect(configuration.maximumFrame == 400 && configuration.dataRequirement == .authenticated)
    // No static address can be made of this one.
    let zeros = BLEHostConfiguration(
      board: 0, model: ShortText("m"), firmware: ShortText("1"), hardware: ShortText("h"), maximumFrame: 400,
      mode: .open)
    #expect(zeros.address == nil && zeros.dataRequirement == .none)
  }

  @Test func pairingByCableNeedsASecret() {
    #expect(PairingMode.cable.policy(secret: nil) == .refused)
    let secret = CableSecret(.zero)
    #expect(PairingMode.cable.policy(secret: secret) == .cable(secret))
    #expect(PairingMode.justWorks.policy(secret: secret) == .justWorks)
    #expect(PairingMode.passkey.policy(secret: nil) == .displayedPasskey)
    for mode in [PairingMode.refused, .open] { #expect(mode.policy(secret: secret) == .refused) }
  }

  @Test func pairingIsRefusedUntilItIsAllowed() {
    let bench = bench(.encrypted)
    let request: [UInt8] = [0x01, 0x03, 0, 0x09, 16, 2, 2]
    bench.send(6, request)
    #expect(bench.takePDUs(6) == [[0x05, 0x05]])
    #expect(bench.takeEvents() == [.pairingRefused(.pairingNotSupported)])
    #expect(bench.ask([0x0a, 0x1d, 0])[2] == 0)
    bench.with { $0.pairingPolicy = .justWorks }
    #expect(bench.ask([0x0a, 0x1d, 0])[2] == 1)
    bench.send(6, request)
    #expect(bench.takePDUs(6).first?.first == 0x02)
  }

  @Test func noncesAreExchangedWhileTheBoardWouldPairByCable() {
    let bench = bench(.authenticated)
    #expect(bench.ask([0x0a, 0x24, 0]) == [0x0b])
    let write: [UInt8] = [0x12, 0x24, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    #expect(bench.ask(write) == [0x01, 0x12, 0x24, 0, 0x13])
    bench.with { $0.pairingPolicy = .cable(CableSecret(Block128(1, 2, 3, 4))) }
    #expect(bench.ask([0x0a, 0x1d, 0])[2] == 6)
    let nonce = bench.ask([0x0a, 0x24, 0])
    #expect(nonce.count == 9)
    #expect(bench.ask(write + [9]) == [0x01, 0x12, 0x24, 0, 0x0d])
    // Without the gateway's nonce there is no passkey to pair with.
    let request: [UInt8] = [0x01, 0x02, 0, 0x0d, 16, 2, 2]
    bench.send(6, request)
    #expect(bench.takePDUs(6) == [[0x05, 0x02]])
    #expect(bench.ask(write) == [0x13])
    bench.send(6, request)
    #expect(bench.takePDUs(6).first?.first == 0x02)
    // An attempt uses both up.
    #expect(bench.ask([0x0a, 0x24, 0]) != nonce)
  }
}
