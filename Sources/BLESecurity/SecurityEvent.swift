/// Why a side ends a pairing, as it tells the other one (Core specification, Vol 3 Part H §3.5.5).
public enum PairingFailedReason: UInt8, Sendable {
  /// The nonces of pairing by cable were not exchanged before, or data out of band are wanted that we do not have.
  case outOfBandNotAvailable = 0x02
  /// Legacy pairing, or without the authentication that we ask for.
  case authenticationRequirements = 0x03
  /// Another passkey, or another central than we think.
  case confirmValueFailed = 0x04
  /// Outside the time in which pairing is allowed.
  case pairingNotSupported = 0x05
  /// Keys of less than 128 bits.
  case encryptionKeySize = 0x06
  /// A command that we know and do not take.
  case commandNotSupported = 0x07
  /// A command out of its turn.
  case unspecified = 0x08
  /// Too soon after one that failed.
  case repeatedAttempts = 0x09
  /// A command of another length, or with values out of their range.
  case invalidParameters = 0x0a
  /// The check value is wrong, or the public key is no point of the curve, our own or the one for debugging.
  case checkFailed = 0x0b

  /// The name of the case, for people.
  public var name: StaticString {
    switch self {
    case .outOfBandNotAvailable: "outOfBandNotAvailable"
    case .authenticationRequirements: "authenticationRequirements"
    case .confirmValueFailed: "confirmValueFailed"
    case .pairingNotSupported: "pairingNotSupported"
    case .encryptionKeySize: "encryptionKeySize"
    case .commandNotSupported: "commandNotSupported"
    case .unspecified: "unspecified"
    case .repeatedAttempts: "repeatedAttempts"
    case .invalidParameters: "invalidParameters"
    case .checkFailed: "checkFailed"
    }
  }
}

/// How a pairing that had begun came to nothing.
public enum PairingFailure: Sendable, Equatable {
  /// We ended it, and told the central why.
  case refused(PairingFailedReason)
  /// The central ended it, with this reason.
  case refusedByPeer(UInt8)
  /// Nothing was heard for 30 seconds. Until the next connection, the central is not answered any more.
  case timedOut
  /// The connection ended.
  case connectionLost
  /// The central did not encrypt the connection with the new key, or stopped to.
  case notEncrypted
}

/// What a ``SecurityManager`` has to tell.
public enum SecurityEvent: Sendable, Equatable {
  /// A person shall type this number (0…999,999, six digits) at the central.
  case displayPasskey(UInt32)
  /// The number is of no use any more.
  case hidePasskey
  /// The connection is encrypted; with or without a proof of who the central is.
  case encrypted(isAuthenticated: Bool)
  /// The pairing is complete. The bond is to be kept if there is one; a central that does not bond leaves none.
  case paired(Bond?)
  /// A pairing that had begun failed.
  case failed(PairingFailure)
  /// A request to pair was refused at once.
  case pairingRefused(PairingFailedReason)
}
