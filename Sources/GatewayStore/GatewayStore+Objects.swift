import Digests
import Foundation
import GRDB

extension GatewayStore {
  /// Keeps bytes under their hash; bytes that are there already are not written again.
  static func keep(_ bytes: [UInt8], as hash: Digest32, _ database: Database) throws {
    // Replaced if present: what was there may be damaged, and these bytes are known to be right.
    try database.execute(
      sql: """
        INSERT INTO objects (hash, bytes) VALUES (?, ?)
        ON CONFLICT (hash) DO UPDATE SET bytes = excluded.bytes WHERE bytes <> excluded.bytes
        """,
      arguments: [hash.description, Data(bytes)])
  }

  /// The bytes of an object, checked against its hash.
  static func object(_ hash: Digest32, _ database: Database) throws -> [UInt8] {
    let row = try Row.fetchOne(
      database, sql: "SELECT bytes FROM objects WHERE hash = ?", arguments: [hash.description])
    guard let row else { throw StoreError.objectMissing(hash) }
    let bytes = try row.bytes("bytes")
    guard SHA256.hash(of: bytes.span) == hash else { throw StoreError.objectDamaged(hash) }
    return bytes
  }

  /// Deletes the objects that nothing needs: snapshots that are not kept, deltas that are not worth it any more,
  /// residuals of ended runs, and updates of rounds that are over.
  static func collectGarbage(_ database: Database) throws {
    try database.execute(
      sql: """
        DELETE FROM objects
        WHERE hash NOT IN (SELECT hash FROM models WHERE kept = 1)
          AND hash NOT IN (SELECT delta FROM models WHERE delta IS NOT NULL)
          AND hash NOT IN (SELECT hash FROM residuals)
          AND hash NOT IN (
            SELECT update_hash FROM contributions
            JOIN rounds ON rounds.run = contributions.run AND rounds.number = contributions.round
            JOIN runs ON runs.id = rounds.run
            WHERE contributions.status = 'counted' AND rounds.state = 'open' AND runs.ended IS NULL)
        """)
  }
}
