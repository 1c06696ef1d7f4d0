public import Digests
import Foundation
import GRDB
public import Rounds

/// A piece of an update that has not arrived in whole.
public struct UpdatePiece: Hashable, Sendable {
  /// Whose update.
  public let board: BoardID
  /// The update's SHA-256.
  public let digest: Digest32
  /// The update's length in bytes.
  public let length: UInt32
  /// Where the piece begins.
  public let start: UInt32
  /// The piece.
  public let bytes: [UInt8]

  /// Makes a piece.
  public init(board: BoardID, digest: Digest32, length: UInt32, start: UInt32, bytes: [UInt8]) {
    self.board = board
    self.digest = digest
    self.length = length
    self.start = start
    self.bytes = bytes
  }
}

extension GatewayStore {
  /// Keeps pieces of updates under way in one transaction, so that they need not be sent again after a restart.
  ///
  /// A board has one update under way: pieces of another one are forgotten.
  public func keep(_ pieces: [UpdatePiece]) throws(StoreError) {
    try write { database in
      for piece in pieces {
        try database.execute(
          sql: "DELETE FROM pieces WHERE board = ? AND hash <> ?",
          arguments: [piece.board.description, piece.digest.description])
        try database.execute(
          sql: "INSERT OR REPLACE INTO pieces (board, hash, length, start, bytes) VALUES (?, ?, ?, ?, ?)",
          arguments: [
            piece.board.description, piece.digest.description, piece.length, piece.start, Data(piece.bytes),
          ])
      }
    }
  }

  /// What is here of updates that have not arrived in whole: of each board the bytes from the beginning up to the
  /// first gap, as one piece. Whether they are right shows in the digest, once the update is whole.
  public func partialUpdates() throws(StoreError) -> [UpdatePiece] {
    try read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT board, hash, length, start, bytes FROM pieces
          WHERE hash NOT IN (SELECT update_hash FROM contributions) ORDER BY board, hash, start
          """)
      var updates: [UpdatePiece] = []
      for row in rows {
        let digest = try row.digest("hash")
        let board = try row.board("board")
        let bytes = try row.bytes("bytes")
        let start: UInt32 = try row.value("start")
        let length: UInt32 = try row.value("length")
        let last = updates.last.flatMap { $0.board == board && $0.digest == digest ? $0 : nil }
        guard Int(start) == last?.bytes.count ?? 0, Int(start) + bytes.count <= Int(length) else { continue }
        if last != nil { updates.removeLast() }
        updates.append(
          UpdatePiece(
            board: board, digest: digest, length: length, start: 0, bytes: (last?.bytes ?? []) + bytes))
      }
      return updates
    }
  }

  /// Forgets the pieces of an update that has arrived in whole.
  static func forgetPieces(of update: Digest32, from board: BoardID, _ database: Database) throws {
    try database.execute(
      sql: "DELETE FROM pieces WHERE board = ? AND hash = ?",
      arguments: [board.description, update.description])
  }
}
