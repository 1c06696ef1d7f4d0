public import Digests
public import Foundation
import GRDB
public import Rounds

/// What became of an update.
public enum ContributionStatus: String, Hashable, Sendable {
  /// It counts.
  case counted
  /// It came too late.
  case late
  /// It was refused, or taken back because its bytes turned out unusable.
  case refused
}

/// An update in the ledger.
public struct ContributionRecord: Hashable, Sendable {
  /// Who, for which round, from which model, how many examples.
  public let contribution: Contribution
  /// What became of it.
  public let status: ContributionStatus
  /// Why it does not count; nil when it does.
  public let reason: String?
  /// When it first arrived.
  public let receivedAt: Date
  /// How often a board sent something with this outcome for the round; the record shows the last.
  public let times: Int
}

/// An update that is to count.
public struct NewContribution: Hashable, Sendable {
  /// Who, for which round, from which model, how many examples.
  public let contribution: Contribution
  /// The update itself; its SHA-256 is ``Contribution/update``.
  public let payload: [UInt8]

  /// Makes a contribution.
  public init(_ contribution: Contribution, payload: [UInt8]) {
    self.contribution = contribution
    self.payload = payload
  }
}

/// What recording a contribution found.
public enum RecordOutcome: Hashable, Sendable {
  /// It was not there before.
  case stored
  /// The board's contribution to the round is this very update, stored before.
  case alreadyThere
  /// The board has contributed another update to the round, which stays.
  case anotherThere
}

extension GatewayStore {
  /// Makes a contribution to the open round durable. Said twice, it is there once.
  ///
  /// - Throws: ``StoreError/roundNotOpen(_:open:)``, ``StoreError/wrongBase(_:)``,
  ///   ``StoreError/objectDamaged(_:)`` when the payload does not have the hash that the contribution names,
  ///   ``StoreError/unknownBoard(_:)`` and what every change may throw.
  public func recordContribution(
    _ contribution: NewContribution, run: RunID, at time: Date
  ) throws(StoreError) -> RecordOutcome {
    try write { database in try Self.record(contribution, run: run, time, database) }
  }

  /// Makes several contributions durable in one transaction, all or none: one wait for the disk instead of many.
  ///
  /// - Returns: the outcomes, in the order of the contributions.
  /// - Throws: as ``recordContribution(_:run:at:)``.
  public func recordContributions(
    _ contributions: [NewContribution], run: RunID, at time: Date
  ) throws(StoreError) -> [RecordOutcome] {
    try write { database in
      try contributions.map { try Self.record($0, run: run, time, database) }
    }
  }

  /// Notes an update that does not count. A board that repeats it makes the same row count up, and a round
  /// that has not begun is noted under the open one: what a board sends cannot make the ledger grow without end.
  ///
  /// - Parameter reason: why, in words.
  /// - Throws: ``StoreError/unknownBoard(_:)`` and what every change may throw.
  public func recordDiscarded(
    _ contribution: Contribution, as discarded: DiscardedStatus, reason: String, run: RunID, at time: Date
  ) throws(StoreError) {
    try write { database in
      try Self.note(contribution, as: discarded.status, reason: reason, run: run, time, database)
    }
  }

  /// Takes a contribution to the open round back, because its bytes cannot be used. The board may then
  /// contribute again. A contribution that is not there stays not there.
  ///
  /// - Parameter reason: why, in words.
  public func withdrawContribution(
    of board: BoardID, to round: RoundNumber, run: RunID, reason: String, at time: Date
  ) throws(StoreError) {
    try write { database in
      let open = try Self.openRound(of: run, database)
      guard round == open.number else { throw StoreError.roundNotOpen(round, open: open.number) }
      let stored = try Self.contributions(to: round, of: run, database)
        .first { $0.status == .counted && $0.contribution.board == board }
      guard let stored else { return }
      try database.execute(
        sql: "DELETE FROM contributions WHERE run = ? AND round = ? AND board = ? AND status = 'counted'",
        arguments: [run.rawValue, round.rawValue, board.description])
      try Self.note(stored.contribution, as: .refused, reason: reason, run: run, time, database)
      try Self.collectGarbage(database)
    }
  }

  /// The ledger of a round: all updates that came for it, by board.
  public func contributions(
    to round: RoundNumber, of run: RunID
  ) throws(StoreError) -> [ContributionRecord] {
    try read { database in try Self.contributions(to: round, of: run, database) }
  }

  /// Each board's last update that counts in a run.
  public func lastCounted(of run: RunID) throws(StoreError) -> [BoardID: Digest32] {
    try read { database in
      // Of the bare columns SQLite takes those of the row that has the maximum.
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT board, update_hash, max(round) FROM contributions
          WHERE run = ? AND status = 'counted' GROUP BY board
          """,
        arguments: [run.rawValue])
      var last: [BoardID: Digest32] = [:]
      for row in rows { last[try row.board("board")] = try row.digest("update_hash") }
      return last
    }
  }

  /// The bytes of an update that counts in the open round, checked against their hash.
  ///
  /// - Throws: ``StoreError/objectMissing(_:)``, ``StoreError/objectDamaged(_:)`` and what every reading may
  ///   throw.
  public func payload(of contribution: Contribution) throws(StoreError) -> [UInt8] {
    try read { database in try Self.object(contribution.update, database) }
  }

  private static func record(
    _ new: NewContribution, run: RunID, _ time: Date, _ database: Database
  ) throws -> RecordOutcome {
    let contribution = new.contribution
    let open = try openRound(of: run, database)
    guard contribution.round == open.number else {
      throw StoreError.roundNotOpen(contribution.round, open: open.number)
    }
    guard contribution.base == open.base.hash else { throw StoreError.wrongBase(open.number) }
    guard SHA256.hash(of: new.payload.span) == contribution.update else {
      throw StoreError.objectDamaged(contribution.update)
    }
    _ = try knownBoard(contribution.board, database)
    let stored = try Row.fetchOne(
      database,
      sql: """
        SELECT update_hash FROM contributions
        WHERE run = ? AND round = ? AND board = ? AND status = 'counted'
        """,
      arguments: [run.rawValue, open.number.rawValue, contribution.board.description])
    if let stored {
      return try stored.digest("update_hash") == contribution.update ? .alreadyThere : .anotherThere
    }
    try keep(new.payload, as: contribution.update, database)
    try insert(contribution, in: open.number, .counted, reason: nil, run: run, time, database)
    return .stored
  }

  private static func note(
    _ contribution: Contribution, as status: ContributionStatus, reason: String, run: RunID, _ time: Date,
    _ database: Database
  ) throws {
    _ = try knownBoard(contribution.board, database)
    let open = try openRound(of: run, database).number
    let round = min(max(contribution.round, .first), open)
    try insert(contribution, in: round, status, reason: reason, run: run, time, database)
  }

  private static func insert(
    _ contribution: Contribution, in round: RoundNumber, _ status: ContributionStatus, reason: String?,
    run: RunID, _ time: Date, _ database: Database
  ) throws {
    try database.execute(
      sql: """
        INSERT INTO contributions
          (run, round, board, status, base, update_hash, examples, training_loss, reason, received)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (run, round, board, status) DO UPDATE SET
          base = excluded.base, update_hash = excluded.update_hash, examples = excluded.examples,
          training_loss = excluded.training_loss, reason = excluded.reason, times = times + 1
        """,
      arguments: [
        run.rawValue, round.rawValue, contribution.board.description, status.rawValue,
        contribution.base.description, contribution.update.description, contribution.examples,
        contribution.trainingLoss, reason, time.milliseconds,
      ])
    try forgetPieces(of: contribution.update, from: contribution.board, database)
  }

  static func contributions(
    to round: RoundNumber, of run: RunID, _ database: Database
  ) throws -> [ContributionRecord] {
    let rows = try Row.fetchAll(
      database, sql: "SELECT * FROM contributions WHERE run = ? AND round = ? ORDER BY board, status",
      arguments: [run.rawValue, round.rawValue])
    return try rows.map { row in
      guard let status = ContributionStatus(rawValue: try row.value("status")) else {
        throw UnreadableColumn(column: "status")
      }
      return ContributionRecord(
        contribution: Contribution(
          board: try row.board("board"), round: round, base: try row.digest("base"),
          update: try row.digest("update_hash"), examples: try row.value("examples"),
          trainingLoss: try row.optional("training_loss")),
        status: status, reason: try row.optional("reason"), receivedAt: try row.date("received"),
        times: try row.value("times"))
    }
  }
}

/// Why an update does not count.
public enum DiscardedStatus: Hashable, Sendable {
  /// It came too late.
  case late
  /// It was refused.
  case refused

  fileprivate var status: ContributionStatus {
    switch self {
    case .late: .late
    case .refused: .refused
    }
  }
}
