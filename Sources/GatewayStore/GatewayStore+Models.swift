import Digests
public import Foundation
import GRDB
public import Rounds

/// A model to be kept.
public struct NewModel: Hashable, Sendable {
  /// The weights as they travel to a board.
  public let snapshot: [UInt8]
  /// The compact description of the architecture.
  public let description: [UInt8]
  /// What turns the model it was made from into this one; nil if there is nothing of the kind.
  public let delta: NewDelta?

  /// Makes a model.
  public init(snapshot: [UInt8], description: [UInt8], delta: NewDelta? = nil) {
    self.snapshot = snapshot
    self.description = description
    self.delta = delta
  }
}

/// A model of a run, without its snapshot.
public struct ModelRecord: Hashable, Sendable {
  /// Number and hash.
  public let version: ModelVersion
  /// Length of the snapshot in bytes.
  public let byteCount: Int
  /// The compact description of the architecture.
  public let description: [UInt8]
  /// The model it was made from, nil for model 0.
  public let parent: UInt32?
  /// The round that made it, nil for model 0.
  public let round: RoundNumber?
  /// When it became durable.
  public let createdAt: Date
  /// Whether its snapshot is still there.
  public let isKept: Bool
  /// How it did on held-out examples, as far as known.
  public let evaluations: [EvaluationSource: EvaluationReport]
}

/// On whose held-out examples a model was evaluated.
public enum EvaluationSource: String, Hashable, Sendable, CaseIterable {
  /// On those of the gateway.
  case gateway
  /// On the boards' own, taken together.
  case boards
}

extension GatewayStore {
  /// All models of a run, oldest first.
  public func models(of run: RunID) throws(StoreError) -> [ModelRecord] {
    try read { database in
      try Row.fetchAll(
        database, sql: "SELECT * FROM models WHERE run = ? ORDER BY number", arguments: [run.rawValue]
      ).map { try Self.modelRecord($0, database) }
    }
  }

  /// A model of a run.
  ///
  /// - Throws: ``StoreError/unknownModel(_:)`` and what every reading may throw.
  public func model(_ number: UInt32, of run: RunID) throws(StoreError) -> ModelRecord {
    try read { database in try Self.model(number, of: run, database) }
  }

  /// The bytes of a model's snapshot, checked against its hash.
  ///
  /// - Throws: ``StoreError/unknownModel(_:)``, ``StoreError/snapshotNotKept(model:)``,
  ///   ``StoreError/objectMissing(_:)``, ``StoreError/objectDamaged(_:)`` and what every reading may throw.
  public func snapshot(_ number: UInt32, of run: RunID) throws(StoreError) -> [UInt8] {
    try read { database in
      let model = try Self.model(number, of: run, database)
      guard model.isKept else { throw StoreError.snapshotNotKept(model: number) }
      return try Self.object(model.version.hash, database)
    }
  }

  /// Notes how a model did. A later report from the same source takes the place of an earlier one.
  public func recordEvaluation(
    _ report: EvaluationReport, by source: EvaluationSource, ofModel number: UInt32, run: RunID
  ) throws(StoreError) {
    try write { database in
      _ = try Self.model(number, of: run, database)
      try database.execute(
        sql: """
          INSERT OR REPLACE INTO evaluations (run, model, source, count, correct, loss_sum)
          VALUES (?, ?, ?, ?, ?, ?)
          """,
        arguments: [run.rawValue, number, source.rawValue, report.count, report.correct, report.lossSum])
    }
  }

  static func insert(
    _ model: NewModel, number: UInt32, parent: UInt32?, round: RoundNumber?, run: RunID, _ time: Date,
    _ database: Database
  ) throws -> ModelVersion {
    let hash = SHA256.hash(of: model.snapshot.span)
    try keep(model.snapshot, as: hash, database)
    let delta = model.delta.map { SHA256.hash(of: $0.bytes.span) }
    if let delta, let bytes = model.delta?.bytes { try keep(bytes, as: delta, database) }
    try database.execute(
      sql: """
        INSERT INTO models
          (run, number, hash, byte_count, description, parent, round, created, delta, delta_bytes, delta_coding)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        run.rawValue, number, hash.description, model.snapshot.count, Data(model.description), parent,
        round?.rawValue, time.milliseconds, delta?.description, model.delta?.bytes.count, model.delta?.coding,
      ])
    return ModelVersion(number: number, hash: hash)
  }

  static func model(_ number: UInt32, of run: RunID, _ database: Database) throws -> ModelRecord {
    let row = try Row.fetchOne(
      database, sql: "SELECT * FROM models WHERE run = ? AND number = ?",
      arguments: [run.rawValue, number])
    guard let row else { throw StoreError.unknownModel(number) }
    return try modelRecord(row, database)
  }

  private static func modelRecord(_ row: Row, _ database: Database) throws -> ModelRecord {
    let number: UInt32 = try row.value("number")
    return ModelRecord(
      version: ModelVersion(number: number, hash: try row.digest("hash")),
      byteCount: try row.value("byte_count"), description: try row.bytes("description"),
      parent: try row.optional("parent"),
      round: try row.optional("round", as: UInt32.self).map(RoundNumber.init),
      createdAt: try row.date("created"), isKept: try row.value("kept"),
      evaluations: try evaluations(ofModel: number, run: RunID(rawValue: try row.value("run")), database))
  }

  static func evaluations(
    ofModel number: UInt32, run: RunID, _ database: Database
  ) throws -> [EvaluationSource: EvaluationReport] {
    var reports: [EvaluationSource: EvaluationReport] = [:]
    let rows = try Row.fetchAll(
      database, sql: "SELECT * FROM evaluations WHERE run = ? AND model = ?",
      arguments: [run.rawValue, number])
    for row in rows {
      let report = EvaluationReport(
        count: try row.value("count"), correct: try row.value("correct"), lossSum: try row.value("loss_sum"))
      guard let source = EvaluationSource(rawValue: try row.value("source")), let report else {
        throw UnreadableColumn(column: "evaluations")
      }
      reports[source] = report
    }
    return reports
  }
}
