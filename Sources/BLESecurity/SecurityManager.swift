public import Cryptography
public import LinkProtocol

/// The Security Manager of a peripheral (Core specification, Vol 3 Part H): pairing by LE Secure Connections and nothing
/// else, and the keys of its one connection.
///
/// It does no I/O and knows no clock. What comes in from the central on channel 6 goes to ``received(pdu:now:)``, what
/// is to go out is taken by ``nextPDU(into:)``, and what there is to tell by ``takeEvent()``, both after every call
/// until there is no more. Computing on the curve takes long, so it is done in slices by ``work(now:)``.
///
/// ```swift
/// var security = SecurityManager(seed: noise)
/// security.policy = .cable(secret)
/// security.connected(local: ours, peer: theirs, bond: nil, now: now)
/// ```
///
/// A pairing goes through the phases of ``Phase``, in that order; the central always has the next word, so that a PDU
/// which comes before ours was taken is out of turn like one that is not due. Whatever is not due ends the pairing.
public struct SecurityManager: Sendable {
  /// What is awaited of the central, or of ``work(now:)``.
  enum Phase: Sendable {
    /// A request to pair, or nothing.
    case idle
    case publicKey
    /// Our own pair of keys, to answer its public key.
    case ownKey
    /// Its commitment for a bit of the passkey.
    case confirm
    /// The nonce of its commitment, or its nonce in Just Works.
    case random
    case check
    /// The shared secret, to verify its check value.
    case secret
    case encryption
    case identityKey
    case identityAddress
    /// Nothing until the connection ends: it let a pairing time out.
    case closed
  }

  /// What waits to be sent, in this order.
  struct Outgoing: OptionSet, Sendable {
    let rawValue: UInt8

    static let failed = Self(rawValue: 0x01)
    static let response = Self(rawValue: 0x02)
    static let publicKey = Self(rawValue: 0x04)
    static let confirm = Self(rawValue: 0x08)
    static let random = Self(rawValue: 0x10)
    static let check = Self(rawValue: 0x20)
    static let securityRequest = Self(rawValue: 0x40)
  }

  /// Silence of the central that ends a pairing, in microseconds (Vol 3 Part H §3.4).
  static let timeout = UInt64.seconds(30)

  /// Number of octets of the longest PDU, either way.
  public static let maximumPDULength = 65

  /// Who may pair from now on; a pairing under way goes on. Nobody until it is set.
  public var policy = PairingPolicy.refused

  /// Whether bonds are made; if not, a pairing is for the connection only.
  public let isBondable: Bool

  /// Whether the connection is encrypted.
  public internal(set) var isEncrypted = false

  /// Whether the connection is encrypted by a key of which it was proven who holds it.
  public internal(set) var isAuthenticated = false

  /// The nonce that the gateway must know to pair by cable, drawn anew for every connection and every attempt.
  public internal(set) var boardNonce: UInt64 = 0

  var gatewayNonce: UInt64?
  var random: RandomBits
  var keys = KeyAgreement()
  var phase = Phase.idle
  var attempt: PairingAttempt?
  /// Whether its passkey is displayed.
  var isDisplaying = false
  var outgoing: Outgoing = []
  var failedReason = PairingFailedReason.unspecified
  var deadline: Timestamp?
  var pause = AttemptPause()
  var addresses: (local: DeviceAddress, peer: DeviceAddress)?
  var bond: Bond?
  /// Of which key the link layer was told: that of the bond, or that of the pairing under way.
  var offeredKey = OfferedKey.none
  var events = EventQueue()

  enum OfferedKey: Sendable { case none, bond, pairing }

  /// A security manager without a connection.
  ///
  /// - Parameters:
  ///   - seed: 256 bits from a source of noise; whoever knows them knows every key.
  ///   - isBondable: whether bonds are made.
  public init(seed: Words256, isBondable: Bool = true) {
    random = RandomBits(seed: seed)
    self.isBondable = isBondable
  }

  /// Mixes more noise in, say once a connection.
  public mutating func reseed(_ seed: Words256) {
    random.reseed(seed)
  }

  // MARK: The connection

  /// A central has connected.
  ///
  /// - Parameters:
  ///   - local: our address on this connection.
  ///   - peer: the central's address as it connected, be it a private one.
  ///   - bond: the one that matches the central, if there is one.
  public mutating func connected(local: DeviceAddress, peer: DeviceAddress, bond: Bond?, now: Timestamp) {
    disconnected(now: now)
    addresses = (local, peer)
    self.bond = bond
    drawNonce()
  }

  /// The connection has ended.
  public mutating func disconnected(now: Timestamp) {
    if attempt != nil { end(.connectionLost, now: now) }
    phase = .idle
    outgoing = []
    addresses = nil
    bond = nil
    offeredKey = .none
    isEncrypted = false
    isAuthenticated = false
    gatewayNonce = nil
  }

  /// The nonce that the gateway drew for the next attempt by cable. It serves one attempt.
  public mutating func received(gatewayNonce: UInt64) {
    if addresses != nil { self.gatewayNonce = gatewayNonce }
  }

  /// Asks the central to encrypt the connection with the key of the bond, or to pair if there is none. Does nothing if
  /// there is no connection, or one that is encrypted or about to be.
  public mutating func requestSecurity() {
    if addresses != nil, phase == .idle, !isEncrypted { outgoing.insert(.securityRequest) }
  }

  /// The key for which the controller asks with these numbers of the central; nil if there is none for them.
  public mutating func longTermKeyRequested(random: UInt64, diversifier: UInt16) -> Block128? {
    // Keys of LE Secure Connections have no numbers (Vol 3 Part H §2.4.4).
    guard random == 0, diversifier == 0 else { return nil }
    switch phase {
    case .encryption:
      // Its own check value must be out: else the central cannot know that we have the key.
      guard let attempt, !outgoing.contains(.check) else { return nil }
      offeredKey = .pairing
      return attempt.longTermKey
    case .idle, .closed:
      guard let bond else { return nil }
      offeredKey = .bond
      return bond.longTermKey
    default:
      return nil
    }
  }

  /// The controller has begun or ceased to encrypt.
  public mutating func encryptionChanged(isOn: Bool, now: Timestamp) {
    guard isOn else {
      isEncrypted = false
      isAuthenticated = false
      offeredKey = .none
      switch phase {
      case .encryption, .identityKey, .identityAddress: end(.notEncrypted, now: now)
      default: break
      }
      return
    }
    switch offeredKey {
    case .none:
      // No key of ours: the controller's word for it does not make the connection safe.
      break
    case .bond:
      guard let bond else { return }
      isEncrypted = true
      isAuthenticated = bond.isAuthenticated
      events.append(.encrypted(isAuthenticated: isAuthenticated))
    case .pairing:
      guard phase == .encryption, let attempt else { return }
      isEncrypted = true
      isAuthenticated = attempt.passkey != nil
      events.append(.encrypted(isAuthenticated: isAuthenticated))
      if attempt.response.initiatorKeys.contains(.identity) {
        phase = .identityKey
        deadline = now + Self.timeout
      } else {
        complete(identity: nil)
      }
    }
    offeredKey = .none
  }

  // MARK: Time and work

  /// When ``timeOut(now:)`` is due.
  public var nextDeadline: Timestamp? { deadline }

  /// Ends a pairing of which nothing was heard for too long.
  public mutating func timeOut(now: Timestamp) {
    guard let deadline, deadline <= now else { return }
    end(.timedOut, now: now)
    phase = .closed
  }

  /// Does a slice of the computing that a pairing needs, at most about 175,000 instructions of a Cortex-M4; true while
  /// there is more. A pair of keys is made as soon as a central that may pair is connected, so that it does not wait.
  public mutating func work(now: Timestamp) -> Bool {
    if !keys.isBusy, phase == .idle, addresses != nil, bond == nil, policy != .refused {
      keys.makeKeys(&random)
    }
    guard keys.isBusy else { return false }
    keys.advance()
    if !keys.isBusy { computed(now: now) }
    return keys.isBusy
  }

  /// The next thing to tell; nil if there is none.
  public mutating func takeEvent() -> SecurityEvent? { events.take() }

  mutating func drawNonce() {
    let drawn = random.block().words
    boardNonce = UInt64(drawn[0]) << 32 | UInt64(drawn[1])
  }

  // MARK: The end of a pairing

  /// Tells the central why, and ends what was under way.
  mutating func refuse(_ reason: PairingFailedReason, now: Timestamp) {
    end(.refused(reason), now: now)
    failedReason = reason
    outgoing.insert(.failed)
  }

  mutating func end(_ failure: PairingFailure, now: Timestamp) {
    pause.attemptFailed(now: now)
    forgetAttempt()
    events.append(.failed(failure))
  }

  /// Forgets what was under way, and the number that may be displayed.
  mutating func forgetAttempt() {
    if isDisplaying { events.append(.hidePasskey) }
    isDisplaying = false
    attempt = nil
    keys.forget()
    outgoing = []
    deadline = nil
    offeredKey = .none
    phase = .idle
  }

  /// All keys are there.
  mutating func complete(identity: DeviceAddress?) {
    guard let attempt, let addresses else { return }
    let made = Bond(
      peerIdentity: identity ?? addresses.peer, peerResolvingKey: attempt.peerResolvingKey,
      longTermKey: attempt.longTermKey, isAuthenticated: attempt.passkey != nil)
    let isKept = attempt.isBonding
    bond = made
    forgetAttempt()
    pause.attemptSucceeded()
    events.append(.paired(isKept ? made : nil))
  }
}
