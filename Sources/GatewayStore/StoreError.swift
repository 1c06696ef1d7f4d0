public import Digests
import GRDB
public import Rounds

/// What can go wrong with the gateway's state. Each case has a stable code, a cause and a remedy.
public enum StoreError: Error, Hashable, Sendable {
  /// The file system has no room. Nothing of the failed step was kept, everything before it was.
  case diskFull(path: String)
  /// The database file is not what was written.
  case damaged(path: String, detail: String)
  /// The database was written by a newer FedBridge.
  case newerVersion(found: Int, supported: Int)
  /// The database was written by an older FedBridge and is only to be looked at.
  case olderVersion(found: Int, needed: Int)
  /// The database is of some other program.
  case foreign(path: String)
  /// There is no database to look at.
  case missing(path: String)
  /// Another gateway serves this state directory.
  case locked(path: String, pid: Int32?)
  /// The state directory or a file in it cannot be written.
  case notWritable(path: String, detail: String)
  /// Another program holds the database for longer than the store waits.
  case busy(path: String)
  /// Reading or writing the disk failed.
  case ioFailure(path: String, detail: String)
  /// The store was closed.
  case closed
  /// An object that the books name is not there.
  case objectMissing(Digest32)
  /// The bytes of an object do not have its hash.
  case objectDamaged(Digest32)
  /// The snapshot of an old model was deleted to save room.
  case snapshotNotKept(model: UInt32)
  /// There is no such model in the run.
  case unknownModel(UInt32)
  /// The run under way has other settings than the one asked for.
  case differentRun([SettingDifference])
  /// There is no such run.
  case unknownRun(RunID)
  /// The board has never been seen.
  case unknownBoard(BoardID)
  /// Another board has the name.
  case nameTaken(String, by: BoardID)
  /// The name cannot be a board's name.
  case invalidName(String)
  /// The contribution or the result is not for the open round.
  case roundNotOpen(RoundNumber, open: RoundNumber)
  /// The contribution was trained from another model than the open round's.
  case wrongBase(RoundNumber)
  /// A round was to be closed with other boards than those whose contributions are stored.
  case countedDiffer(RoundNumber, counted: [BoardID], stored: [BoardID])
}

/// A setting in which a run under way and a run asked for differ.
public struct SettingDifference: Hashable, Sendable, CustomStringConvertible {
  /// The name of the setting.
  public let key: String
  /// Its value in the run under way, nil when it is not set there.
  public let stored: String?
  /// Its value as asked for, nil when it is not set.
  public let requested: String?

  /// For example `dataset: digits → exercises`.
  public var description: String { "\(key): \(stored ?? "none") → \(requested ?? "none")" }
}

extension StoreError: CustomStringConvertible {
  /// A code that never changes, for scripts and as an anchor into the documentation.
  public var code: String {
    switch self {
    case .diskFull: "store-disk-full"
    case .damaged: "store-damaged"
    case .newerVersion: "store-newer-version"
    case .olderVersion: "store-older-version"
    case .foreign: "store-foreign-file"
    case .missing: "store-missing"
    case .locked: "store-locked"
    case .notWritable: "store-not-writable"
    case .busy: "store-busy"
    case .ioFailure: "store-io-failure"
    case .closed: "store-closed"
    case .objectMissing: "store-object-missing"
    case .objectDamaged: "store-object-damaged"
    case .snapshotNotKept: "store-snapshot-not-kept"
    case .unknownModel: "store-unknown-model"
    case .differentRun: "store-different-run"
    case .unknownRun: "store-unknown-run"
    case .unknownBoard: "store-unknown-board"
    case .nameTaken: "store-name-taken"
    case .invalidName: "store-invalid-name"
    case .roundNotOpen: "store-round-not-open"
    case .wrongBase: "store-wrong-base"
    case .countedDiffer: "store-counted-differ"
    }
  }

  /// What happened.
  public var cause: String {
    switch self {
    case .diskFull(let path): "no room left on the disk of \(path)"
    case .damaged(let path, let detail): "the state in \(path) is damaged (\(detail))"
    case .newerVersion(let found, let supported):
      "the state has version \(found), this FedBridge knows versions up to \(supported)"
    case .olderVersion(let found, let needed): "the state has version \(found), version \(needed) is needed"
    case .foreign(let path): "\(path) is a database of another program"
    case .missing(let path): "there is no state in \(path)"
    case .locked(let path, .some(let pid)): "the gateway with pid \(pid) uses the state in \(path)"
    case .locked(let path, nil): "another gateway uses the state in \(path)"
    case .notWritable(let path, let detail): "cannot write \(path) (\(detail))"
    case .busy(let path): "another program holds \(path)"
    case .ioFailure(let path, let detail): "the disk failed at \(path) (\(detail))"
    case .closed: "the state was closed already"
    case .objectMissing(let hash): "object \(hash.short) is not in the state"
    case .objectDamaged(let hash): "object \(hash.short) does not have the bytes of its hash"
    case .snapshotNotKept(let model): "the snapshot of model \(model) was deleted to save room"
    case .unknownModel(let model): "there is no model \(model)"
    case .differentRun(let differences):
      "another run is under way (\(differences.map(\.description).joined(separator: ", ")))"
    case .unknownRun(let run): "there is no run \(run)"
    case .unknownBoard(let board): "board \(board) has never been seen"
    case .nameTaken(let name, let board): "board \(board) is called \(name)"
    case .invalidName(let name): "\(name.debugDescription) cannot be the name of a board"
    case .roundNotOpen(let round, let open): "round \(round) is not open, round \(open) is"
    case .wrongBase(let round): "the contribution was not trained from the model of round \(round)"
    case .countedDiffer(let round, let counted, let stored):
      "round \(round) was averaged over \(counted.count) contributions, \(stored.count) others are stored"
    }
  }

  /// What to do about it.
  public var remedy: String {
    switch self {
    case .diskFull: "make room; the gateway goes on where it was"
    case .damaged(let path, _):
      "restore \(path) from a backup, or move it away to start afresh; boards keep their models and names"
    case .newerVersion: "install that FedBridge again, or use another --state-dir"
    case .olderVersion: "start the gateway once, it brings the state up to date"
    case .foreign: "use another --state-dir"
    case .missing: "start the gateway once, or name its --state-dir"
    case .locked(_, .some(let pid)): "stop it (kill \(pid)), or use another --state-dir"
    case .locked(_, nil): "stop it, or use another --state-dir"
    case .notWritable: "give the gateway's user write access, or use another --state-dir"
    case .busy: "close the program that has it open, such as sqlite3"
    case .ioFailure: "check the disk or SD card (dmesg), then restore a backup if need be"
    case .closed: "open it again"
    case .objectMissing, .objectDamaged: "restore a backup; a board's update is asked for again by itself"
    case .snapshotNotKept, .unknownModel: "list the models with: fedbridge model"
    case .differentRun: "use the options of that run to go on with it, or start a new one with --new-run"
    case .unknownRun: "list the rounds with: fedbridge rounds"
    case .unknownBoard: "list the boards with: fedbridge boards"
    case .nameTaken: "choose another name"
    case .invalidName: "use 1 to 32 letters, digits and hyphens, beginning with a letter"
    case .roundNotOpen, .wrongBase, .countedDiffer:
      "nothing was changed; please report it, this is a mistake of the gateway"
    }
  }

  /// Cause, remedy and code in one line.
  public var description: String { "\(cause); \(remedy) [\(code)]" }
}

extension StoreError {
  /// What an error from a database access means.
  ///
  /// - Parameter path: the database file.
  init(_ error: any Error, path: String) {
    if let error = error as? StoreError {
      self = error
      return
    }
    guard let error = error as? DatabaseError else {
      self = .damaged(path: path, detail: "\(error)")
      return
    }
    let detail = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_FULL: self = .diskFull(path: path)
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT: self = .damaged(path: path, detail: detail)
    case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
      self = .notWritable(path: path, detail: detail)
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
    case .SQLITE_MISUSE: self = .closed
    // The books contradict themselves, or a table is not what this version made of it.
    case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_ERROR, .SQLITE_SCHEMA:
      self = .damaged(path: path, detail: detail)
    default: self = .ioFailure(path: path, detail: detail)
    }
  }
}
