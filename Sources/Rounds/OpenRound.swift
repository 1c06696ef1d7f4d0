/// The books of the round that is open: who contributed, who takes part, who failed how often.
///
/// The ledger has one entry a board, from the moment its update is accepted. That is what makes a contribution
/// unique by (round, board): whatever arrives later from the board finds the entry.
struct OpenRound {
  /// How far an accepted contribution is.
  private enum Entry {
    /// Handed to the store, not yet known to be durable.
    case storing(Contribution)
    /// Durable; it counts.
    case stored(Contribution)

    var contribution: Contribution {
      switch self {
      case .storing(let contribution), .stored(let contribution): contribution
      }
    }
  }

  let number: RoundNumber
  let base: ModelVersion
  private var ledger: [BoardID: Entry] = [:]
  private var failures: [BoardID: Int] = [:]
  /// Entries that are not yet durable.
  private var pendingCount = 0

  /// Every board that takes part. A lost board stays in until the deadline, so that a moment without links does
  /// not make a fractional quorum cheap.
  var roster: Set<BoardID> = []
  /// What boards said about ``base``.
  var evaluation = ModelEvaluation()
  var late = 0
  var refused = 0
  var extensions = 0
  var openedAt = MonotonicTime(microseconds: 0)

  init(number: RoundNumber, base: ModelVersion) {
    self.number = number
    self.base = base
  }

  /// A round as the store has it. Entries for other rounds, for another base and repeated boards cannot come
  /// from a sound store; they are left out rather than counted.
  init(recovering state: RecoveredState) {
    self.init(number: state.round, base: state.base)
    for contribution in state.contributions where ledger[contribution.board] == nil {
      guard contribution.round == number, contribution.base == base.hash else { continue }
      ledger[contribution.board] = .stored(contribution)
    }
  }

  // MARK: Ledger

  /// What the board contributed, whether durable yet or not.
  func contribution(of board: BoardID) -> Contribution? { ledger[board]?.contribution }

  /// Whether the board's contribution is durable.
  func isStored(_ board: BoardID) -> Bool {
    if case .stored = ledger[board] { true } else { false }
  }

  /// Whether an accepted contribution is not yet durable.
  var isStoring: Bool { pendingCount > 0 }

  /// Number of durable contributions.
  var storedCount: Int { ledger.count - pendingCount }

  /// Boards with an accepted contribution.
  var contributors: some Collection<BoardID> { ledger.keys }

  mutating func accept(_ contribution: Contribution) {
    ledger[contribution.board] = .storing(contribution)
    pendingCount += 1
  }

  /// Returns whether there was an entry waiting for this.
  mutating func markStored(_ board: BoardID) -> Bool {
    guard case .storing(let contribution) = ledger[board] else { return false }
    ledger[board] = .stored(contribution)
    pendingCount -= 1
    return true
  }

  /// Returns whether there was an entry waiting for this.
  mutating func forgetUnstored(_ board: BoardID) -> Bool {
    guard case .storing = ledger[board] else { return false }
    ledger[board] = nil
    pendingCount -= 1
    return true
  }

  /// Takes a durable contribution back, because its payload turned out unusable.
  mutating func withdraw(_ board: BoardID) {
    if isStored(board) { ledger[board] = nil }
  }

  /// The boards whose contributions are durable, in order.
  var storedBoards: [BoardID] { ledger.keys.filter(isStored).sorted() }

  // MARK: Failures

  /// Counts a failure of the board and returns how many it now has.
  mutating func countFailure(of board: BoardID) -> Int {
    let count = failures[board, default: 0] + 1
    failures[board] = count
    return count
  }

  func hasFailed(_ board: BoardID, atLeast limit: Int) -> Bool { failures[board, default: 0] >= limit }

  mutating func forgiveFailures() { failures.removeAll() }

  // MARK: Summary

  func summary(result: ModelVersion, at now: MonotonicTime) -> RoundSummary {
    var examples = 0
    var lossExamples = 0.0
    var lossSum = 0.0
    let boards = storedBoards
    for board in boards {
      guard let contribution = contribution(of: board) else { continue }
      examples += Int(contribution.examples)
      if let loss = contribution.trainingLoss {
        lossExamples += Double(contribution.examples)
        lossSum += Double(loss) * Double(contribution.examples)
      }
    }
    return RoundSummary(
      round: number, base: base, result: result, boards: boards, examples: examples,
      trainingLoss: lossExamples > 0 ? lossSum / lossExamples : nil, late: late, refused: refused,
      extensions: extensions, duration: now.since(openedAt))
  }
}

/// What the boards said about one model. Closed once it was announced, so that it is announced once.
struct ModelEvaluation {
  private var reports: [BoardID: EvaluationReport] = [:]
  private var skipped: Set<BoardID> = []
  private(set) var isClosed = false

  /// Whether the board has still to be asked.
  func wants(_ board: BoardID) -> Bool {
    !isClosed && reports[board] == nil && !skipped.contains(board)
  }

  mutating func add(_ report: EvaluationReport, from board: BoardID) {
    if !isClosed && reports[board] == nil { reports[board] = report }
  }

  /// The board could not evaluate; it is not asked again.
  mutating func skip(_ board: BoardID) { skipped.insert(board) }

  /// Ends the evaluation and returns the sum of the reports, nil when there are none.
  mutating func close() -> (total: EvaluationReport, boards: Int)? {
    guard !isClosed else { return nil }
    isClosed = true
    guard !reports.isEmpty else { return nil }
    let total = reports.sorted { $0.key < $1.key }.reduce(EvaluationReport.empty) { $0 + $1.value }
    return (total, reports.count)
  }
}
