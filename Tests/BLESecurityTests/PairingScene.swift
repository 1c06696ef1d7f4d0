import Bytes
import Cryptography
import LinkProtocol
import PropertyTesting

@testable import BLESecurity

/// A board and a central that are connected, in virtual time.
struct PairingScene {
  static let boardAddress = DeviceAddress(kind: .random, value: 0xd00d_ba11_0001)
  static let centralAddress = DeviceAddress(kind: .publicDevice, value: 0x0022_3344_5566)

  var security: SecurityManager
  var central: Central
  var now = Timestamp(microseconds: 5_000_000)
  /// All that the board said and told, in order.
  var pdus: [[UInt8]] = []
  var events: [SecurityEvent] = []

  init(_ policy: PairingPolicy, seed: UInt64 = 1, isBondable: Bool = true, bond: Bond? = nil) {
    var random = SeededGenerator(seed: seed)
    security = SecurityManager(seed: random.words(), isBondable: isBondable)
    security.policy = policy
    central = Central(address: Self.centralAddress, board: Self.boardAddress, random: random.next())
    connect(bond: bond)
  }

  mutating func connect(bond: Bond? = nil) {
    security.connected(local: Self.boardAddress, peer: central.address, bond: bond, now: now)
  }

  /// A new attempt of the same central, with keys of its own.
  mutating func renewCentral() {
    let (features, passkey) = (central.features, central.passkey)
    central = Central(address: central.address, board: central.board, random: central.random.next())
    central.features = features
    central.passkey = passkey
  }

  mutating func advance(seconds: UInt64) {
    now = now + .seconds(seconds)
    if let deadline = security.nextDeadline, deadline <= now { security.timeOut(now: now) }
    collect()
  }

  mutating func say(_ pdu: [UInt8]) {
    security.received(pdu: pdu.span, now: now)
    now = now + .milliseconds(20)
  }

  /// Computes what is to be computed, and takes all that the board has to say and tell. What it said is given back.
  @discardableResult
  mutating func collect() -> [[UInt8]] {
    while security.work(now: now) {}
    var buffer = BoundedBytes(capacity: SecurityManager.maximumPDULength)
    var said: [[UInt8]] = []
    while security.nextPDU(into: &buffer) { said.append(buffer.copied()) }
    while let event = security.takeEvent() {
      if case .displayPasskey(let passkey) = event { central.passkey = passkey }
      events.append(event)
    }
    pdus += said
    return said
  }

  /// Says `pdu` and goes on until nobody has anything to say. The central's words go through `change` before.
  mutating func exchange(
    _ pdu: [UInt8], change: (_ index: Int, _ pdu: [UInt8]) -> [UInt8] = { $1 }
  ) {
    var index = 0
    var waiting = [pdu]
    while !waiting.isEmpty {
      let next = change(index, waiting.removeFirst())
      index += 1
      say(next)
      for said in collect() { waiting += central.answer(said) }
    }
  }

  /// As much of a pairing as there is to it: up to the bond, if all goes well.
  mutating func pair(change: (_ index: Int, _ pdu: [UInt8]) -> [UInt8] = { $1 }) {
    if case .cable(let secret) = security.policy {
      let nonce = central.random.next()
      central.passkey = secret.passkey(boardNonce: security.boardNonce, gatewayNonce: nonce)
      security.received(gatewayNonce: nonce)
    }
    exchange(central.request, change: change)
    if let key = central.longTermKey { encrypt(with: key) }
  }

  /// The central begins to encrypt, as far as it and the board have the same key, and distributes its identity.
  mutating func encrypt(with key: Block128) {
    guard security.longTermKeyRequested(random: 0, diversifier: 0) == key else { return }
    security.encryptionChanged(isOn: true, now: now)
    collect()
    for pdu in central.identity {
      say(pdu)
      collect()
    }
  }

  /// The key for these numbers of the central.
  mutating func key(_ random: UInt64, _ diversifier: UInt16) -> Block128? {
    security.longTermKeyRequested(random: random, diversifier: diversifier)
  }

  /// One slice of the board's work.
  mutating func slice() -> Bool { security.work(now: now) }

  var bond: Bond? {
    for case .paired(let bond) in events { return bond }
    return nil
  }

  var failures: [PairingFailure] {
    events.compactMap { if case .failed(let failure) = $0 { failure } else { nil } }
  }

  var refusals: [PairingFailedReason] {
    events.compactMap { if case .pairingRefused(let reason) = $0 { reason } else { nil } }
  }
}
