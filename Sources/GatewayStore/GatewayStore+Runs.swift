public import Foundation
import GRDB
import Rounds

/// The number of a run, from 1.
public struct RunID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number.
  public let rawValue: Int64

  /// Makes an identity from its number.
  public init(rawValue: Int64) { self.rawValue = rawValue }

  /// The number in decimal.
  public var description: String { String(rawValue) }
}

/// One experiment: rounds from an initial model under fixed settings.
public struct RunRecord: Hashable, Sendable {
  /// Which run.
  public let id: RunID
  /// What makes it this experiment and no other, such as data set, split and seed.
  public let settings: [String: String]
  /// When it was begun.
  public let startedAt: Date
  /// When a new run took its place; nil for the run under way.
  public let endedAt: Date?
  /// A number that boards know the run by, another one for every run.
  public let tag: UInt32
}

/// A run to work on.
public struct OpenedRun: Hashable, Sendable {
  /// The run.
  public let run: RunRecord
  /// Whether it was begun just now; false when it goes on where it was.
  public let isNew: Bool

  /// A run and whether it was begun just now.
  public init(run: RunRecord, isNew: Bool) {
    self.run = run
    self.isNew = isNew
  }
}

/// What to do when the run under way has other settings than the one asked for.
public enum DifferentRunChoice: Hashable, Sendable {
  /// Throw ``StoreError/differentRun(_:)``: a changed option must not mix two experiments by accident.
  case refuse
  /// End that run, which stays readable, and begin a new one.
  case startNew
}

extension GatewayStore {
  /// Goes on with the run under way when it has these settings, or begins one.
  ///
  /// Settings are what makes an experiment: data set, split, seed, hyper-parameters. What may change while it
  /// goes on, such as the number of rounds or boards, does not belong in them.
  ///
  /// - Parameters:
  ///   - settings: compared key by key with those of the run under way.
  ///   - initialModel: model 0 of the run if a new one is begun; round 1 is then open.
  ///   - ifDifferent: what to do when the settings differ.
  public func openRun(
    settings: [String: String], initialModel: NewModel, ifDifferent: DifferentRunChoice = .refuse,
    at time: Date
  ) throws(StoreError) -> OpenedRun {
    try write { database in
      if let open = try Self.openRun(database) {
        let differences = Self.differences(open.settings, settings)
        if differences.isEmpty { return OpenedRun(run: open, isNew: false) }
        switch ifDifferent {
        case .refuse: throw StoreError.differentRun(differences)
        case .startNew:
          try database.execute(
            sql: "UPDATE runs SET ended = ? WHERE id = ?", arguments: [time.milliseconds, open.id.rawValue])
          try Self.forgetDeltas(database)
          // Its unfinished round will not be finished: the updates in it are of no more use.
          try Self.collectGarbage(database)
        }
      }
      return OpenedRun(run: try begin(settings, initialModel, time, database), isNew: true)
    }
  }

  /// Ends the run under way, if any, and begins a new one whatever its settings.
  public func startRun(
    settings: [String: String], initialModel: NewModel, at time: Date
  ) throws(StoreError) -> RunRecord {
    try write { database in
      try database.execute(
        sql: "UPDATE runs SET ended = ? WHERE ended IS NULL", arguments: [time.milliseconds])
      try Self.forgetDeltas(database)
      try Self.collectGarbage(database)
      return try begin(settings, initialModel, time, database)
    }
  }

  /// The run under way, nil before the first.
  public func runUnderWay() throws(StoreError) -> RunRecord? {
    try read { database in try Self.openRun(database) }
  }

  /// All runs, oldest first.
  public func runs() throws(StoreError) -> [RunRecord] {
    try read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM runs ORDER BY id").map { try Self.run($0, database) }
    }
  }

  private func begin(
    _ settings: [String: String], _ model: NewModel, _ time: Date, _ database: Database
  ) throws -> RunRecord {
    let tag = UInt32.random(in: 1 ... .max)
    try database.execute(
      sql: "INSERT INTO runs (started, tag) VALUES (?, ?)", arguments: [time.milliseconds, tag])
    let id = RunID(rawValue: database.lastInsertedRowID)
    for (key, value) in settings {
      try database.execute(
        sql: "INSERT INTO run_settings (run, key, value) VALUES (?, ?, ?)",
        arguments: [id.rawValue, key, value])
    }
    _ = try Self.insert(model, number: 0, parent: nil, round: nil, run: id, time, database)
    try Self.openRound(.first, base: 0, run: id, time, database)
    return RunRecord(id: id, settings: settings, startedAt: time, endedAt: nil, tag: tag)
  }

  private static func openRun(_ database: Database) throws -> RunRecord? {
    try Row.fetchOne(database, sql: "SELECT * FROM runs WHERE ended IS NULL").map { try run($0, database) }
  }

  private static func run(_ row: Row, _ database: Database) throws -> RunRecord {
    let id = RunID(rawValue: try row.value("id"))
    var settings: [String: String] = [:]
    let rows = try Row.fetchAll(
      database, sql: "SELECT key, value FROM run_settings WHERE run = ?", arguments: [id.rawValue])
    for row in rows { settings[try row.value("key")] = try row.value("value") }
    return RunRecord(
      id: id, settings: settings, startedAt: try row.date("started"), endedAt: try row.optionalDate("ended"),
      tag: try row.value("tag"))
  }

  private static func differences(_ stored: [String: String], _ requested: [String: String])
    -> [SettingDifference]
  {
    Set(stored.keys).union(requested.keys).sorted().compactMap { key in
      stored[key] == requested[key]
        ? nil : SettingDifference(key: key, stored: stored[key], requested: requested[key])
    }
  }
}
