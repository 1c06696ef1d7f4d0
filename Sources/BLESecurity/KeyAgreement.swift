import Cryptography

/// The Diffie–Hellman part of a pairing: a fresh pair of keys for every attempt, and the secret shared with the
/// central, both computed in slices.
struct KeyAgreement: Sendable {
  private var privateKey: P256.PrivateKey?
  /// The own public key, once it is computed.
  private(set) var publicKey: P256.PublicKey?
  /// The shared secret, once it is computed.
  private(set) var secret: Words256?
  private var multiplication: P256.Multiplication?

  /// Whether there is something to compute.
  var isBusy: Bool { multiplication != nil }

  // None of these is inlined: a multiplication takes a kilobyte, which the stack of each caller would have to hold.

  /// Starts making a pair of keys unless there is one or one is being made.
  @inline(never)
  mutating func makeKeys(_ random: inout RandomBits) {
    guard privateKey == nil else { return }
    var drawn: P256.PrivateKey?
    while drawn == nil { drawn = P256.PrivateKey(random.words()) }
    privateKey = drawn
    if let drawn { multiplication = P256.Multiplication(of: .base, by: drawn) }
  }

  /// Starts computing the secret; the own keys must be there.
  @inline(never)
  mutating func share(with peer: P256.PublicKey) {
    if let privateKey { multiplication = P256.Multiplication(of: peer, by: privateKey) }
  }

  /// One slice of what is to be computed.
  @inline(never)
  mutating func advance() {
    guard multiplication?.advance() == false else { return }
    if publicKey == nil {
      publicKey = multiplication?.product
    } else {
      secret = multiplication?.product?.x
    }
    multiplication = nil
  }

  /// Forgets all: no pair of keys serves two attempts, as a failed one may have told something of it
  /// (Vol 3 Part H §2.3.6).
  @inline(never)
  mutating func forget() {
    privateKey = nil
    publicKey = nil
    secret = nil
    multiplication = nil
  }
}
