import Cryptography

/// What is known of a pairing under way. A value of its own, so that nothing of one attempt is left to the next.
struct PairingAttempt: Sendable {
  /// How many bits a passkey has, and how many rounds it takes.
  static let rounds = 20

  let request: PairingFeatures
  let response: PairingFeatures
  /// Nil for Just Works.
  let passkey: UInt32?

  var peerKey: P256.PublicKey?
  /// Bits of the passkey that both have proven.
  var round = 0
  var peerConfirm = Block128.zero
  var peerNonce = Block128.zero
  var ownNonce = Block128.zero
  /// The central's check value, from when it came until the shared secret is there.
  var peerCheck: Block128?
  var ownCheck = Block128.zero
  var longTermKey = Block128.zero
  var peerResolvingKey = Block128.zero

  init(request: PairingFeatures, response: PairingFeatures, passkey: UInt32?) {
    self.request = request
    self.response = response
    self.passkey = passkey
  }

  /// What enters the confirm values of this round: 0 for Just Works, else the passkey's bit.
  var confirmedByte: UInt8 {
    guard let passkey else { return 0 }
    return 0x80 | UInt8(truncatingIfNeeded: passkey >> UInt32(round)) & 1
  }

  /// What enters the check values: the passkey as 128 bits, or 0.
  var checkedNumber: Block128 { Block128(0, 0, 0, passkey ?? 0) }

  /// Whether both sides want to keep what comes of it.
  var isBonding: Bool { response.authentication.contains(.bonding) }
}
