import BluetoothDevices
import BluetoothPolicy
import Rounds

/// Why a board was not reached over the air: cause, remedy and a code that never changes.
enum VisitError: Error, Sendable, CustomStringConvertible {
  /// BlueZ or the kernel could not.
  case bluetooth(BlueZError)
  /// Its identity is none that this version reads.
  case unreadable
  /// It says that it is `claimed`, and its address or its keys belong to `expected`.
  case foreign(claimed: BoardID, expected: BoardID)
  /// It takes no pairing at present.
  case pairingClosed(BoardID)
  /// A secret was left on it over the cable, and it does not have that any more.
  case secretLost(BoardID)
  /// It shows a passkey, and there is nobody to type it.
  case passkeyNeeded(BoardID)
  /// It was not proven to be the board that the secret was shared with, or the passkey was wrong.
  case notProven(BoardID, BlueZError)
  /// The connection was not encrypted with the keys that both should have: it may have lost them.
  case bondDoubtful(BoardID, BlueZError)
  /// It does not have the keys any more that this side has.
  case bondLost(BoardID, BlueZError)
  /// BlueZ had keys that the gateway knows nothing of; they are removed.
  case strangeKeys
  /// The pairing could not be noted.
  case notNoted
  /// No descriptor could be had for the link.
  case noDescriptor(errno: CInt)

  /// What it means for the next attempt.
  var failure: AttemptFailure {
    switch self {
    case .bluetooth(let error):
      switch error.kind {
      case .transient: .transient
      case .outOfSlots: .outOfSlots
      case .missing: .missing
      case .authentication: .refused
      case .fatal: .fatal
      }
    case .unreadable, .foreign: .foreign
    case .pairingClosed, .secretLost, .passkeyNeeded, .notProven: .refused
    case .bondDoubtful: .bondDoubtful
    case .bondLost: .bondLost
    case .strangeKeys: .transient
    case .notNoted, .noDescriptor: .fatal
    }
  }

  /// Stable, for scripts and for the documentation.
  var code: String {
    switch self {
    case .bluetooth(let error): error.code
    case .unreadable: "board-unreadable"
    case .foreign: "board-foreign"
    case .pairingClosed: "pairing-closed"
    case .secretLost: "pairing-secret-lost"
    case .passkeyNeeded: "pairing-passkey-needed"
    case .notProven: "pairing-not-proven"
    case .bondDoubtful: "pairing-doubtful"
    case .bondLost: "pairing-lost"
    case .strangeKeys: "pairing-strange-keys"
    case .notNoted: "pairing-not-noted"
    case .noDescriptor: "bluetooth-no-descriptor"
    }
  }

  /// What happened, as a clause without a full stop.
  var cause: String {
    switch self {
    case .bluetooth(let error): error.cause
    case .unreadable: "what it says of itself is none of a board's"
    case .foreign(let claimed, let expected): "it says it is board \(claimed), and it should be \(expected)"
    case .pairingClosed: "it takes no pairing at present"
    case .secretLost: "it does not have the secret any more that went over the cable"
    case .passkeyNeeded: "it shows a passkey that somebody has to type"
    case .notProven(_, let error): "it did not prove who it is (\(error.cause))"
    case .bondDoubtful(_, let error): "it could not be encrypted with the board's key (\(error.cause))"
    case .bondLost(_, let error): "the board lost its key (\(error.cause))"
    case .strangeKeys: "BlueZ had keys of it from elsewhere, which are removed now"
    case .notNoted: "the pairing could not be noted"
    case .noDescriptor(let errno): "no descriptor for the link (error \(errno))"
    }
  }

  /// What to do, as a clause without a full stop.
  var remedy: String {
    switch self {
    case .bluetooth(let error): error.remedy
    case .unreadable: "update the board's firmware or this program, whichever is older"
    case .foreign: "it is another board, or a copy: take it away, or run: fedbridge forget BOARD"
    case .pairingClosed: "plug it in by USB once, or press what its firmware has for pairing"
    case .secretLost: "plug it in by USB once, or run: fedbridge forget BOARD, then fedbridge pair BOARD"
    case .passkeyNeeded: "run: fedbridge pair BOARD"
    case .notProven:
      "plug it in by USB once, or pair again and type what it shows; somebody may have disturbed it"
    case .bondDoubtful: "nothing, it is tried again; if it stays so, the board has lost its key"
    case .bondLost: "run: fedbridge forget BOARD, then fedbridge pair BOARD; or plug it in by USB once"
    case .strangeKeys: "nothing, it is tried again"
    case .notNoted: "see the store's error"
    case .noDescriptor: "raise the limit of open files (LimitNOFILE= in the unit, or ulimit -n)"
    }
  }

  /// Cause, remedy and code in one line.
  var description: String { "\(cause); \(remedy) [\(code)]" }
}
