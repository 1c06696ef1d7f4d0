public import BLESecurity

/// What the owner of a board lets it do about pairing.
public enum PairingMode: UInt8, Sendable, CaseIterable {
  /// Nobody may pair.
  case refused
  /// Anybody may.
  case justWorks
  /// Whoever types the number that the board displays.
  case passkey
  /// The gateway that left its secret over a cable.
  case cable
  /// Frames need no pairing at all: for measurements only.
  case open

  /// Who may pair, with this secret of the cable or none.
  public func policy(secret: CableSecret?) -> PairingPolicy {
    switch self {
    case .refused, .open: .refused
    case .justWorks: .justWorks
    case .passkey: .displayedPasskey
    case .cable: secret.map { .cable($0) } ?? .refused
    }
  }

  /// What a connection must have become before frames are taken.
  public var dataRequirement: SecurityRequirement {
    switch self {
    case .refused, .justWorks: .encrypted
    case .passkey, .cable: .authenticated
    case .open: .none
    }
  }
}
