public import Foundation
import GRDB
public import Rounds

/// What a round cost.
public struct RoundCost: Hashable, Sendable {
  /// Bytes sent to boards for it.
  public let bytesDown: Int
  /// Bytes received from boards for it.
  public let bytesUp: Int
  /// Bytes of objects that were sent more than once, both ways.
  public let bytesAgain: Int
  /// Bytes of objects that were not sent again after a lost link or a restart, both ways.
  public let bytesResumed: Int
  /// How long it took, in seconds.
  public let seconds: Double

  /// Makes the cost of a round.
  public init(
    bytesDown: Int, bytesUp: Int, bytesAgain: Int = 0, bytesResumed: Int = 0, seconds: Double
  ) {
    self.bytesDown = bytesDown
    self.bytesUp = bytesUp
    self.bytesAgain = bytesAgain
    self.bytesResumed = bytesResumed
    self.seconds = seconds.isFinite ? seconds : 0
  }
}

/// A round of a run.
public struct RoundRecord: Hashable, Sendable {
  /// Which round.
  public let number: RoundNumber
  /// The model it trains from.
  public let base: UInt32
  /// The model it made, nil while it is open.
  public let result: UInt32?
  /// When it was opened.
  public let startedAt: Date
  /// When its result became durable, nil while it is open.
  public let finishedAt: Date?
  /// Number of contributions that count.
  public let contributions: Int
  /// What it cost; zero while it is open.
  public let cost: RoundCost
  /// How its result did on held-out examples, as far as known.
  public let evaluations: [EvaluationSource: EvaluationReport]
}

extension GatewayStore {
  /// Where the run stands, for a ``Rounds/RoundCoordinator`` that goes on with it.
  public func recoveredState(of run: RunID) throws(StoreError) -> RecoveredState {
    try read { database in
      let open = try Self.openRound(of: run, database)
      return RecoveredState(
        round: open.number, base: open.base,
        contributions: try Self.contributions(to: open.number, of: run, database)
          .filter { $0.status == .counted }.map(\.contribution))
    }
  }

  /// All rounds of a run in order. The last one is open.
  public func rounds(of run: RunID) throws(StoreError) -> [RoundRecord] {
    try read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT *, (
            SELECT count(*) FROM contributions
            WHERE contributions.run = rounds.run AND contributions.round = rounds.number
              AND status = 'counted') AS counted
          FROM rounds WHERE run = ? ORDER BY number
          """,
        arguments: [run.rawValue]
      ).map { try Self.roundRecord($0, run, database) }
    }
  }

  /// Ends a round: keeps the model, marks the round finished, opens the next one, deletes the round's updates
  /// and old snapshots, all in one transaction. Said twice with the same model, it does nothing the second time.
  ///
  /// - Parameters:
  ///   - counted: the boards that were averaged; they must be those whose contributions are stored.
  ///   - result: the new model.
  ///   - residual: what its delta's coding left out of it, for the next one; nil if nothing.
  /// - Returns: the version of the new model.
  /// - Throws: ``StoreError/roundNotOpen(_:open:)``, ``StoreError/countedDiffer(_:counted:stored:)`` and what
  ///   every change may throw.
  public func commitRound(
    _ number: RoundNumber, of run: RunID, counted: [BoardID], result: NewModel, residual: [UInt8]? = nil,
    cost: RoundCost, at time: Date
  ) throws(StoreError) -> ModelVersion {
    try write { database in
      let open = try Self.openRound(of: run, database)
      if number != open.number {
        if number.next == open.number, try Self.object(open.base.hash, database) == result.snapshot {
          return open.base
        }
        throw StoreError.roundNotOpen(number, open: open.number)
      }
      let stored = try Self.contributions(to: number, of: run, database)
        .filter { $0.status == .counted }.map(\.contribution.board)
      guard counted.sorted() == stored.sorted() else {
        throw StoreError.countedDiffer(number, counted: counted.sorted(), stored: stored.sorted())
      }
      let version = try Self.insert(
        result, number: open.base.number + 1, parent: open.base.number, round: number, run: run, time,
        database)
      try database.execute(
        sql: """
          UPDATE rounds SET state = 'finished', finished = ?, result = ?, bytes_down = ?, bytes_up = ?,
            bytes_again = ?, bytes_resumed = ?, seconds = ?
          WHERE run = ? AND number = ?
          """,
        arguments: [
          time.milliseconds, version.number, cost.bytesDown, cost.bytesUp, cost.bytesAgain, cost.bytesResumed,
          cost.seconds, run.rawValue, number.rawValue,
        ])
      try Self.openRound(number.next, base: version.number, run: run, time, database)
      try database.execute(
        sql: "UPDATE models SET kept = 0 WHERE run = ? AND number <= ? AND kept = 1",
        arguments: [run.rawValue, Int(version.number) - keptModels])
      try Self.keepUsefulDeltas(of: run, for: result.snapshot.count, database)
      try Self.replaceResidual(of: run, with: residual, leftOutOf: version.number, database)
      try Self.collectGarbage(database)
      return version
    }
  }

  static func openRound(
    _ number: RoundNumber, base: UInt32, run: RunID, _ time: Date, _ database: Database
  ) throws {
    try database.execute(
      sql: "INSERT INTO rounds (run, number, base, state, started) VALUES (?, ?, ?, 'open', ?)",
      arguments: [run.rawValue, number.rawValue, base, time.milliseconds])
  }

  static func openRound(
    of run: RunID, _ database: Database
  ) throws -> (number: RoundNumber, base: ModelVersion) {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT rounds.number AS round, models.number AS model, models.hash AS hash FROM rounds
        JOIN models ON models.run = rounds.run AND models.number = rounds.base
        WHERE rounds.run = ? AND rounds.state = 'open'
        """,
      arguments: [run.rawValue])
    guard let row else { throw StoreError.unknownRun(run) }
    return (
      RoundNumber(try row.value("round")),
      ModelVersion(number: try row.value("model"), hash: try row.digest("hash"))
    )
  }

  private static func roundRecord(_ row: Row, _ run: RunID, _ database: Database) throws -> RoundRecord {
    let result: UInt32? = try row.optional("result")
    return RoundRecord(
      number: RoundNumber(try row.value("number")), base: try row.value("base"), result: result,
      startedAt: try row.date("started"), finishedAt: try row.optionalDate("finished"),
      contributions: try row.value("counted"),
      cost: RoundCost(
        bytesDown: try row.value("bytes_down"), bytesUp: try row.value("bytes_up"),
        bytesAgain: try row.value("bytes_again"), bytesResumed: try row.value("bytes_resumed"),
        seconds: try row.value("seconds")),
      evaluations: try result.map { try evaluations(ofModel: $0, run: run, database) } ?? [:])
  }
}
