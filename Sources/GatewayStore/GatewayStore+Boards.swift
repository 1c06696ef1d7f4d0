public import Foundation
import GRDB
public import Rounds

/// A board that was seen at least once.
public struct BoardRecord: Hashable, Sendable {
  /// The identity.
  public let id: BoardID
  /// The friendly name, unique whatever the case of its letters.
  public let name: String
  /// When it was first seen.
  public let firstSeen: Date
  /// When it was last seen.
  public let lastSeen: Date
  /// The firmware it last told of, if any.
  public let firmware: String?
  /// The carrier it was last seen on, if known.
  public let carrier: String?
}

extension GatewayStore {
  /// Notes that a board is there. A board that was never seen gets a friendly name.
  ///
  /// - Parameters:
  ///   - firmware: its firmware; nil keeps what is known.
  ///   - carrier: the carrier it is on; nil keeps what is known.
  public func boardSeen(
    _ board: BoardID, firmware: String?, carrier: String?, at time: Date
  ) throws(StoreError) -> BoardRecord {
    try write { database in
      if try Self.board(board, database) == nil {
        let taken = Set(try String.fetchAll(database, sql: "SELECT lower(name) FROM boards"))
        let name = FriendlyNames.name(for: board) { taken.contains($0) }
        try database.execute(
          sql: "INSERT INTO boards (id, name, first_seen, last_seen) VALUES (?, ?, ?, ?)",
          arguments: [board.description, name, time.milliseconds, time.milliseconds])
      }
      try database.execute(
        sql: """
          UPDATE boards SET last_seen = max(last_seen, ?), firmware = coalesce(?, firmware),
            carrier = coalesce(?, carrier)
          WHERE id = ?
          """,
        arguments: [time.milliseconds, firmware, carrier, board.description])
      return try Self.knownBoard(board, database)
    }
  }

  /// All boards ever seen, by name.
  public func boards() throws(StoreError) -> [BoardRecord] {
    try read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM boards ORDER BY name").map(Self.boardRecord)
    }
  }

  /// The board with this identity, nil when it was never seen.
  public func board(_ id: BoardID) throws(StoreError) -> BoardRecord? {
    try read { database in try Self.board(id, database) }
  }

  /// The board with this friendly name, whatever the case of its letters; nil when there is none.
  public func board(named name: String) throws(StoreError) -> BoardRecord? {
    try read { database in
      try Row.fetchOne(database, sql: "SELECT * FROM boards WHERE name = ?", arguments: [name])
        .map(Self.boardRecord)
    }
  }

  /// Gives a board another name. Its history stays.
  ///
  /// - Throws: ``StoreError/invalidName(_:)``, ``StoreError/nameTaken(_:by:)``,
  ///   ``StoreError/unknownBoard(_:)`` and what every change may throw.
  public func renameBoard(_ id: BoardID, to name: String) throws(StoreError) -> BoardRecord {
    guard FriendlyNames.isValid(name) else { throw .invalidName(name) }
    return try write { database in
      let owner = try Row.fetchOne(
        database, sql: "SELECT * FROM boards WHERE name = ? AND id <> ?", arguments: [name, id.description])
      if let owner { throw StoreError.nameTaken(name, by: try owner.board("id")) }
      try database.execute(
        sql: "UPDATE boards SET name = ? WHERE id = ?", arguments: [name, id.description])
      return try Self.knownBoard(id, database)
    }
  }

  private static func board(_ id: BoardID, _ database: Database) throws -> BoardRecord? {
    try Row.fetchOne(database, sql: "SELECT * FROM boards WHERE id = ?", arguments: [id.description])
      .map(boardRecord)
  }

  static func knownBoard(_ id: BoardID, _ database: Database) throws -> BoardRecord {
    guard let record = try board(id, database) else { throw StoreError.unknownBoard(id) }
    return record
  }

  private static func boardRecord(_ row: Row) throws -> BoardRecord {
    BoardRecord(
      id: try row.board("id"), name: try row.value("name"), firstSeen: try row.date("first_seen"),
      lastSeen: try row.date("last_seen"), firmware: try row.optional("firmware"),
      carrier: try row.optional("carrier"))
  }
}
