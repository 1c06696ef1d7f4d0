import LinkProtocol
public import Rounds

/// Why the gateway closes a link: cause, remedy and a code that never changes.
public enum LinkRefusal: Hashable, Sendable {
  /// The board speaks other versions of the protocol, from `oldest` to `newest`.
  case noCommonVersion(oldest: UInt16, newest: UInt16)
  /// The board that is alive on another carrier has the same identity.
  case identityTaken(BoardLabel, alive: Carrier)
  /// It says it is `claimed`, and its USB serial number or its bond says `expected`.
  case foreignIdentity(claimed: BoardID, expected: BoardID, on: Carrier)
  /// More than `limit` bytes came, and no answer among them.
  case garbage(limit: Int)
  /// The board answers on another carrier now, which is better or the only one that lives.
  case boardMoved(to: Carrier)
  /// The board is alive on a carrier that is better than this one.
  case betterCarrier(Carrier)
  /// The gateway's own store failed.
  case notNoted

  /// Stable, for scripts and for the documentation.
  public var code: String {
    switch self {
    case .noCommonVersion: "link-no-common-version"
    case .identityTaken: "link-identity-taken"
    case .foreignIdentity: "link-foreign-identity"
    case .garbage: "link-garbage"
    case .boardMoved: "link-board-moved"
    case .betterCarrier: "link-better-carrier"
    case .notNoted: "link-not-noted"
    }
  }

  /// Why the link is closed, as a clause without a full stop.
  public var reason: String {
    switch self {
    case .noCommonVersion: "no common protocol version"
    case .identityTaken(_, let alive): "the board on \(alive) has the same identity"
    case .foreignIdentity: "it claims another board's identity"
    case .garbage: "it does not speak the protocol"
    case .boardMoved(let carrier), .betterCarrier(let carrier): "the board is on \(carrier) now"
    case .notNoted: "its arrival could not be noted"
    }
  }

  /// What is wrong, as a clause without a full stop; nil if nothing is, or if it was said elsewhere.
  public var fault: String? {
    switch self {
    case .noCommonVersion(let oldest, let newest):
      "the board speaks protocol \(oldest) to \(newest), "
        + "this gateway \(ProtocolVersion.oldest) to \(ProtocolVersion.newest)"
    case .identityTaken(let board, let alive):
      "claims to be board \(board.name) (\(board.id)), which is alive on \(alive.inFull)"
    case .foreignIdentity(let claimed, let expected, on: .serial):
      "claims to be board \(claimed), and its USB serial number is \(expected)"
    case .foreignIdentity(let claimed, let expected, on: .bluetooth):
      "claims to be board \(claimed), and is paired as board \(expected)"
    case .garbage(let limit):
      "more than \(limit) bytes came and no answer of a board is among them"
    case .boardMoved, .betterCarrier, .notNoted: nil
    }
  }

  /// What to do about it, as a clause without a full stop.
  public var remedy: String {
    switch self {
    case .noCommonVersion: "update whichever is older"
    case .identityTaken: "one of them is a copy, unplug it"
    case .foreignIdentity(_, _, on: .serial):
      "it is another device, or its firmware is not built for this board: unplug it, or flash the board anew"
    case .foreignIdentity(_, let expected, on: .bluetooth):
      "it is another device, or was given another identity: fedbridge forget \(expected), then pair it again"
    case .garbage: "is FedBridge's firmware on the board, and is this the right port"
    case .boardMoved, .betterCarrier, .notNoted: "nothing"
    }
  }
}
