import Foundation
import GRDB
import Synchronization

/// The gateway's memory: boards, runs, models, rounds and contributions, in one SQLite database.
///
/// A method that changes something returns when the change is durable: the database runs in WAL mode with
/// `synchronous = FULL`, because a board that was told "your contribution is kept" forgets its update, and a
/// power cut must not make a liar of the gateway. A method that throws has changed nothing.
///
/// The methods block for as long as the disk takes. Call them from anywhere but an event loop; from there, use
/// ``perform(_:)``.
public final class GatewayStore: Sendable {
  /// What a store is opened for.
  public enum Access: Hashable, Sendable {
    /// To serve boards: creates the state when there is none, and nobody else can serve it meanwhile.
    case serve
    /// To look at the state, also while a gateway serves it. Every method that changes something throws.
    case inspect
  }

  /// The database file.
  public let path: String
  let keptModels: Int
  let database: DatabaseQueue
  private let lock: StateDirectoryLock?
  /// Whether the database may be used. Held while it is: GRDB's queue lets one in at a time anyway, and a use
  /// after ``close()`` would reach into freed memory there.
  private let isOpen = Mutex(true)
  private let queue = DispatchQueue(label: "GatewayStore")

  /// Opens the state in a directory, and creates both when ``Access/serve`` is asked for.
  ///
  /// - Parameters:
  ///   - directory: the state directory; holds `fedbridge.sqlite` (with its `-wal` and `-shm`) and
  ///     `fedbridge.lock`.
  ///   - access: what for.
  ///   - keptModels: of how many of the newest models of a run the snapshots are kept, at least 1. Boards that
  ///     are a few versions behind can then be brought forward by a difference.
  /// - Throws: any ``StoreError`` but those about runs, boards and rounds. A damaged, newer or foreign file is
  ///   left as it is.
  public init(
    directory: String, access: Access = .serve, keptModels: Int = 16
  ) throws(StoreError) {
    let path = directory + "/fedbridge.sqlite"
    self.path = path
    self.keptModels = max(1, keptModels)
    switch access {
    case .serve:
      try Self.create(directory)
      lock = try StateDirectoryLock(directory: directory)
    case .inspect:
      guard FileManager.default.fileExists(atPath: path) else { throw .missing(path: directory) }
      lock = nil
    }
    do {
      database = try Self.open(path, access)
    } catch {
      throw StoreError(error, path: path)
    }
  }

  /// Closes the database and gives the directory free; a second time it does nothing. Not needed for durability:
  /// all is durable already.
  public func close() throws(StoreError) {
    try isOpen.withLock { isOpen throws(StoreError) in
      guard isOpen else { return }
      do {
        try database.close()
      } catch {
        throw StoreError(error, path: path)
      }
      isOpen = false
      lock?.release()
    }
  }

  /// Does something with the store without blocking the caller's thread, one thing after the other.
  ///
  /// - Parameter work: what to do; it runs on a queue of the store.
  /// - Returns: what `work` returns.
  public func perform<Value: Sendable>(
    _ work: @escaping @Sendable (GatewayStore) throws(StoreError) -> Value
  ) async throws(StoreError) -> Value {
    let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(returning: Result { () throws(StoreError) in try work(self) })
      }
    }
    return try result.get()
  }

  /// Runs `body` on one unchanging state of the database.
  func read<Value: Sendable>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    try whileOpen { try database.read(body) }
  }

  /// Runs `body` in one transaction.
  func write<Value: Sendable>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    try whileOpen { try database.write(body) }
  }

  private func whileOpen<Value: Sendable>(_ body: () throws -> Value) throws(StoreError) -> Value {
    try isOpen.withLock { isOpen throws(StoreError) in
      guard isOpen else { throw .closed }
      do {
        return try body()
      } catch {
        throw StoreError(error, path: path)
      }
    }
  }

  private static func create(_ directory: String) throws(StoreError) {
    do {
      // Updates of boards are nobody else's business.
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      if underlying?.domain == NSPOSIXErrorDomain, let code = underlying?.code {
        throw StoreError(errno: Int32(code), path: directory)
      }
      throw .notWritable(path: directory, detail: error.localizedDescription)
    }
  }

  private static func open(_ path: String, _ access: Access) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = access == .inspect
    configuration.journalMode = .wal
    configuration.foreignKeysEnabled = true
    // A person with sqlite3 may hold the database for a moment.
    configuration.busyMode = .timeout(5)
    configuration.label = "GatewayStore"
    // Before anything is written: a database that we cannot use stays as it is.
    configuration.prepareDatabase { connection in
      _ = try Schema.check(connection, path: path)
    }
    let database = try DatabaseQueue(path: path, configuration: configuration)
    try database.inDatabase { connection in
      let version = try Schema.check(connection, path: path)
      let verdict = try String.fetchOne(connection, sql: "PRAGMA quick_check(1)")
      guard verdict == "ok" else { throw StoreError.damaged(path: path, detail: verdict ?? "no answer") }
      switch access {
      case .serve:
        try connection.execute(sql: "PRAGMA synchronous = FULL")
        // A secret that is forgotten shall not lie in the file until its place is used again. Some builds of SQLite
        // do that anyway.
        try connection.execute(sql: "PRAGMA secure_delete = ON")
        try Schema.migrate(connection, from: version)
      case .inspect:
        guard version == Schema.version else {
          throw StoreError.olderVersion(found: version, needed: Schema.version)
        }
      }
    }
    return database
  }
}
