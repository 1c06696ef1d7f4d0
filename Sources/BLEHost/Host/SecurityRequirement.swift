/// What a connection must have become before an attribute or a channel is open to the peer.
public enum SecurityRequirement: UInt8, Sendable {
  /// Nothing.
  case none = 0
  /// Encryption, with a key of any pairing.
  case encrypted = 1
  /// Encryption, with a key of a pairing that no third party can have sat in: passkey, by hand or by cable.
  case authenticated = 2
}

/// What a connection has become.
struct LinkSecurity: Equatable {
  var isEncrypted = false
  /// Whether the key it is encrypted with is of an authenticated pairing.
  var isAuthenticated = false
  /// Whether there is a bond with this peer, so that it need not pair again.
  var isBonded = false

  /// What is missing.
  enum Lack: Equatable {
    /// The peer has to pair, or to pair in a better way.
    case authentication
    /// The peer has to encrypt with the key that it has.
    case encryption
  }

  /// What the connection lacks (Core specification, Vol 3 Part C §10.3.1); nil if it suffices.
  func lack(for requirement: SecurityRequirement) -> Lack? {
    if requirement == .none { return nil }
    guard isEncrypted else { return isBonded ? .encryption : .authentication }
    return requirement == .authenticated && !isAuthenticated ? .authentication : nil
  }
}
