import Digests
import Foundation
import GRDB
public import Rounds

/// An object that turns a model into the next version, to be kept.
public struct NewDelta: Hashable, Sendable {
  /// The object.
  public let bytes: [UInt8]
  /// How it is coded, for people.
  public let coding: String

  /// Makes a delta.
  public init(bytes: [UInt8], coding: String) {
    self.bytes = bytes
    self.coding = coding
  }
}

/// A kept object that turns a model into the next version.
public struct DeltaRecord: Hashable, Sendable {
  /// The model it starts from.
  public let base: ModelVersion
  /// The model it leads to.
  public let result: ModelVersion
  /// The object, checked against its hash.
  public let bytes: [UInt8]
}

extension GatewayStore {
  /// The deltas of a run that are kept, oldest first: each leads to the base of the next, the last one to the model
  /// of the open round. One that is damaged ends the chain: what is before it is of no use.
  public func deltas(of run: RunID) throws(StoreError) -> [DeltaRecord] {
    try read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT models.number AS number, models.hash AS hash, models.delta AS delta, parents.number AS base,
            parents.hash AS base_hash
          FROM models JOIN models AS parents ON parents.run = models.run AND parents.number = models.parent
          WHERE models.run = ? AND models.delta IS NOT NULL ORDER BY models.number DESC
          """,
        arguments: [run.rawValue])
      var chain: [DeltaRecord] = []
      var next: UInt32?
      for row in rows {
        let result = ModelVersion(number: try row.value("number"), hash: try row.digest("hash"))
        guard next == nil || next == result.number else { break }
        let bytes: [UInt8]
        do {
          bytes = try Self.object(try row.digest("delta"), database)
        } catch StoreError.objectMissing, StoreError.objectDamaged {
          break
        }
        let base = ModelVersion(number: try row.value("base"), hash: try row.digest("base_hash"))
        chain.append(DeltaRecord(base: base, result: result, bytes: bytes))
        next = base.number
      }
      return chain.reversed()
    }
  }

  /// What the coding of the newest model's delta left out, little-endian float32 each; nil if nothing.
  ///
  /// - Throws: ``StoreError/objectMissing(_:)``, ``StoreError/objectDamaged(_:)`` and what every reading may throw.
  public func residual(of run: RunID) throws(StoreError) -> [UInt8]? {
    try read { database in
      let row = try Row.fetchOne(
        database, sql: "SELECT hash FROM residuals WHERE run = ?", arguments: [run.rawValue])
      return try row.map { try Self.object(try $0.digest("hash"), database) }
    }
  }

  static func replaceResidual(
    of run: RunID, with bytes: [UInt8]?, leftOutOf model: UInt32, _ database: Database
  ) throws {
    try database.execute(sql: "DELETE FROM residuals WHERE run = ?", arguments: [run.rawValue])
    guard let bytes else { return }
    let hash = SHA256.hash(of: bytes.span)
    try keep(bytes, as: hash, database)
    try database.execute(
      sql: "INSERT INTO residuals (run, model, hash) VALUES (?, ?, ?)",
      arguments: [run.rawValue, model, hash.description])
  }

  /// Forgets the deltas that no board will be sent: going from before them would take more bytes than the snapshot.
  static func keepUsefulDeltas(of run: RunID, for snapshot: Int, _ database: Database) throws {
    let rows = try Row.fetchAll(
      database,
      sql: """
        SELECT number, delta_bytes FROM models WHERE run = ? AND delta IS NOT NULL ORDER BY number DESC
        """,
      arguments: [run.rawValue])
    var sum = 0
    for row in rows {
      sum += try row.value("delta_bytes", as: Int.self)
      guard sum >= snapshot else { continue }
      try database.execute(
        sql: "UPDATE models SET delta = NULL WHERE run = ? AND number <= ?",
        arguments: [run.rawValue, try row.value("number", as: UInt32.self)])
      return
    }
  }

  /// Forgets deltas and residuals of runs that have ended.
  static func forgetDeltas(_ database: Database) throws {
    try database.execute(
      sql: """
        UPDATE models SET delta = NULL
        WHERE delta IS NOT NULL AND run IN (SELECT id FROM runs WHERE ended IS NOT NULL);
        DELETE FROM residuals WHERE run IN (SELECT id FROM runs WHERE ended IS NOT NULL);
        """)
  }
}
