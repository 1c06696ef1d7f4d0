public import Digests

/// Holds rounds of synchronous Federated Averaging (McMahan et al. 2017) over boards that come and go.
///
/// ## How it works
///
/// The coordinator is a value without I/O: functions named after events go in with the time, actions come out.
/// Between events, ``nextDeadline`` says when to call ``tick(now:)``. The order of work is
///
///     created      start                                      → gathering
///     gathering    enough boards, or the grace is over         → collecting, or concluding after the last round
///     collecting   quorum and nobody left, or the deadline     → aggregating
///                  the deadline without quorum                 → collecting
///     aggregating  aggregated                                  → collecting, or concluding after the last round,
///                                                                or gathering if boards are not back
///                  contributions turned out unusable           → collecting
///     concluding   every board has the last model, one that was lost a moment ago too, or deadline → finished
///     any          stop                                        → stopping, and finished when all is durable
///
/// While it collects, every connected board is on its own path: receive the base model if it does not hold it,
/// evaluate it on its own held-out examples, train, send the update. A board that joins goes the same path; a
/// board that fails rests and is tried again, and after too many failures the round goes on without it; a board
/// that is lost is simply not waited for beyond a short grace. No path ever waits for another board.
///
/// A round closes as soon as it has quorum and nobody is left who could still contribute, and at its deadline
/// if it has quorum by then. Otherwise it is extended and keeps what it has.
///
/// ## What it promises
///
/// * A contribution is unique by (round, board): the first accepted update makes the ledger's entry, the same
///   update again is only confirmed again, another one is refused.
/// * `aggregate` names exactly the boards whose contributions are durable: it is never given while a
///   contribution is on its way to the store, and nothing is accepted after it.
/// * An update for a closed round is recorded as late and discarded. An update of another base is refused.
/// * After a crash the same round goes on from ``RecoveredState``. The gathering phase is held again, with the
///   contributors counted as there, so that the first board to return does not close the round alone. They may
///   not be back when it is over: then the boards are gathered once more for the next round.
///
/// The model that a round starts from is evaluated at the beginning of that round. A restart therefore needs to
/// know nothing about evaluations, and no fast board waits for a slow evaluation.
public struct RoundCoordinator: Sendable {
  private enum State {
    case created
    /// Waits for boards; the round begins without the missing ones at the given time.
    case gathering(graceEnds: MonotonicTime?)
    /// Collects until the deadline; nil when it has passed while contributions were on their way to the store.
    case collecting(deadline: MonotonicTime?)
    /// An aggregation is under way, or due again at the given time after a failure.
    case aggregating(retryAt: MonotonicTime?)
    /// Brings the last model to the boards.
    case concluding(deadline: MonotonicTime)
    /// Told to stop while the store or the aggregation is at work.
    case stopping(aggregating: Bool)
    case finished
  }

  private let policy: RoundPolicy
  private var state = State.created
  private var round: OpenRound
  private var members: [BoardID: Member] = [:]
  /// Boards lost a moment ago, and until when the round waits for them.
  private var missing: [BoardID: MonotonicTime] = [:]
  /// What `waitForBoards` said last, to say it only when it changes.
  private var announcedHave: Int?
  /// Whether the round was begun for boards that had contributed before a restart and were not back.
  private var countedAbsentBoards = false

  /// Makes a coordinator that goes on where the store says; a new run is round 1 without contributions.
  public init(policy: RoundPolicy, recovering state: RecoveredState) {
    self.policy = policy
    round = OpenRound(recovering: state)
  }

  // MARK: - Looking

  /// When ``tick(now:)`` has something to do; nil when only an event can bring it on.
  public var nextDeadline: MonotonicTime? {
    switch state {
    case .created, .stopping, .finished: nil
    case .gathering(let graceEnds): graceEnds
    case .collecting(let deadline): [deadline, boardDeadline, missing.values.min()].compactMap(\.self).min()
    case .aggregating(let retryAt): retryAt
    case .concluding(let deadline): [deadline, boardDeadline, missing.values.min()].compactMap(\.self).min()
    }
  }

  /// Where the coordinator stands.
  public var status: RoundStatus {
    let phase: RoundStatus.Phase =
      switch state {
      case .created: .created
      case .gathering: .gathering
      case .collecting: .collecting
      case .aggregating: .aggregating
      case .concluding: .concluding
      case .stopping: .stopping
      case .finished: .finished
      }
    return RoundStatus(
      phase: phase, round: round.number, base: round.base, connected: members.count,
      contributed: round.storedCount, needed: contributionsNeeded)
  }

  /// Whether the open round wants nothing more of a board, there or not: its contribution is durable, or it holds the
  /// final model and was asked about that.
  ///
  /// - Parameter held: the model that the board holds, as far as known.
  public func isDone(with board: BoardID, holding held: Digest32?) -> Bool {
    if let member = members[board], member.step != .idle { return false }
    switch state {
    case .collecting: return round.isStored(board)
    case .concluding: return held == round.base.hash
    case .created, .gathering, .aggregating, .stopping, .finished: return false
    }
  }

  // MARK: - Start and stop

  /// Begins. Call it once; boards may be announced before.
  public mutating func start(now: MonotonicTime) -> [RoundAction] {
    guard case .created = state else { return [] }
    var actions: [RoundAction] = []
    // Work that needs no board must not wait for one for ever.
    let needsNoBoard = round.storedCount > 0 || allRoundsHeld
    state = .gathering(graceEnds: needsNoBoard || !members.isEmpty ? now + policy.startGrace : nil)
    settle(now, &actions)
    return actions
  }

  /// Stops. What is on its way to the store is waited for; then `finished(.stopped)` follows. Boards are told
  /// nothing: they keep their updates and offer them again after the next start.
  public mutating func stop(now: MonotonicTime) -> [RoundAction] {
    var actions: [RoundAction] = []
    switch state {
    case .created, .gathering, .collecting, .concluding: state = .stopping(aggregating: false)
    case .aggregating(let retryAt): state = .stopping(aggregating: retryAt == nil)
    case .stopping, .finished: return []
    }
    settle(now, &actions)
    return actions
  }

  // MARK: - Boards come and go

  /// A session with the board began (or began anew: whatever it was asked before is asked again).
  ///
  /// - Parameter held: the model it says it holds, nil when none.
  public mutating func boardReady(
    _ board: BoardID, holding held: Digest32?, now: MonotonicTime
  ) -> [RoundAction] {
    var actions: [RoundAction] = []
    members[board] = Member(held: held)
    missing[board] = nil
    switch state {
    case .gathering(nil): state = .gathering(graceEnds: now + policy.startGrace)
    case .collecting:
      round.roster.insert(board)
      assign(board, now, &actions)
    case .concluding: assign(board, now, &actions)
    case .created, .gathering, .aggregating, .stopping, .finished: break
    }
    settle(now, &actions)
    return actions
  }

  /// The session with the board is over, for whatever reason. That is no failure of the board: people unplug
  /// boards. An update of it that has arrived in whole still counts.
  public mutating func boardLost(_ board: BoardID, now: MonotonicTime) -> [RoundAction] {
    var actions: [RoundAction] = []
    guard let member = members.removeValue(forKey: board) else { return [] }
    switch state {
    case .concluding where member.held != round.base.hash:
      if policy.reconnectGrace > .zero { missing[board] = now + policy.reconnectGrace }
    case .collecting, .aggregating:
      if policy.reconnectGrace > .zero { missing[board] = now + policy.reconnectGrace }
    case .gathering where members.isEmpty && round.storedCount == 0 && !allRoundsHeld:
      state = .gathering(graceEnds: nil)
    case .created, .gathering, .concluding, .stopping, .finished: break
    }
    settle(now, &actions)
    return actions
  }

  /// The board or its session reported an error about what it was asked to do.
  ///
  /// - Parameter reason: words for the log.
  public mutating func boardFailed(_ board: BoardID, reason: String, now: MonotonicTime) -> [RoundAction] {
    var actions: [RoundAction] = []
    guard isWorking, let member = members[board] else { return [] }
    if case .evaluating = member.step {
      // A board that cannot evaluate may well be able to train.
      round.evaluation.skip(board)
      assign(board, now, &actions)
    } else {
      fail(board, .reported(reason), now, &actions)
    }
    settle(now, &actions)
    return actions
  }

  // MARK: - Boards at work

  /// Bytes of a transfer with the board moved, down or up: it is alive.
  public mutating func transferProgressed(_ board: BoardID, now: MonotonicTime) -> [RoundAction] {
    members[board]?.heard(silentAt: now + policy.boardDeadline)
    return []
  }

  /// The board holds the model, verified and durable.
  public mutating func modelDelivered(
    _ board: BoardID, _ model: Digest32, now: MonotonicTime
  ) -> [RoundAction] {
    var actions: [RoundAction] = []
    members[board]?.held = model
    // A delivery that was replaced by a newer one may still be reported; the newer one is under way.
    guard isWorking, case .receiving = members[board]?.step, model == round.base.hash else { return [] }
    assign(board, now, &actions)
    settle(now, &actions)
    return actions
  }

  /// The board reported on its training for a round.
  public mutating func trainingProgressed(
    _ board: BoardID, _ number: RoundNumber, now: MonotonicTime
  ) -> [RoundAction] {
    if number == round.number, case .training = members[board]?.step {
      members[board]?.heard(silentAt: now + policy.boardDeadline)
    }
    return []
  }

  /// The board evaluated a model on its own held-out examples. A report on another model than the open round's
  /// base is of no use any more.
  public mutating func evaluationReported(
    _ board: BoardID, _ model: Digest32, _ report: EvaluationReport, now: MonotonicTime
  ) -> [RoundAction] {
    var actions: [RoundAction] = []
    guard isWorking, model == round.base.hash else { return [] }
    round.evaluation.add(report, from: board)
    if case .evaluating = members[board]?.step { assign(board, now, &actions) }
    settle(now, &actions)
    return actions
  }

  // MARK: - Updates

  /// An update arrived in whole and was checked. It counts whether or not the board is still connected.
  public mutating func updateArrived(
    _ contribution: Contribution, verdict: UpdateVerdict, now: MonotonicTime
  ) -> [RoundAction] {
    var actions: [RoundAction] = []
    let board = contribution.board
    switch state {
    // Unanswered, the board keeps its update and offers it again after the restart.
    case .stopping, .finished: return []
    case .created, .gathering, .collecting, .aggregating, .concluding: break
    }
    if contribution.round < round.number {
      round.late += 1
      return [.discardLate(contribution, openRound: round.number)]
    }
    if contribution.round == round.number, let accepted = round.contribution(of: board) {
      if accepted.update != contribution.update {
        round.refused += 1
        return [.refuse(contribution, .alreadyContributed)]
      }
      return round.isStored(board) ? [.confirm(board, round.number)] : []
    }
    if let reason = refusal(of: contribution, verdict) {
      round.refused += 1
      actions.append(.refuse(contribution, reason))
      // Whatever it believes to hold, it is brought to the base anew.
      if case .wrongBase = reason { members[board]?.held = nil }
      fail(board, .refused(reason), now, &actions)
    } else if case .aggregating = state {
      round.late += 1
      return [.discardLate(contribution, openRound: round.number)]
    } else {
      round.accept(contribution)
      round.roster.insert(board)
      members[board]?.step = .idle
      missing[board] = nil
      actions.append(.store(contribution))
    }
    settle(now, &actions)
    return actions
  }

  /// The store made a contribution durable.
  public mutating func contributionStored(
    _ board: BoardID, _ number: RoundNumber, now: MonotonicTime
  ) -> [RoundAction] {
    guard number == round.number, round.markStored(board) else { return [] }
    var actions: [RoundAction] = [.confirm(board, number)]
    settle(now, &actions)
    return actions
  }

  /// The store could not keep a contribution (a full disk). It does not count; the board is tried again.
  public mutating func contributionNotStored(
    _ board: BoardID, _ number: RoundNumber, now: MonotonicTime
  ) -> [RoundAction] {
    var actions: [RoundAction] = []
    guard number == round.number, round.forgetUnstored(board) else { return [] }
    if isWorking, members[board] != nil { countFailure(board, .notStored, now, &actions) }
    settle(now, &actions)
    return actions
  }

  // MARK: - Aggregation

  /// The round's result is durable and the next round is open in the store.
  public mutating func aggregated(
    _ number: RoundNumber, _ result: ModelVersion, now: MonotonicTime
  ) -> [RoundAction] {
    guard number == round.number else { return [] }
    let isStopping: Bool
    switch state {
    case .aggregating(nil): isStopping = false
    case .stopping(aggregating: true): isStopping = true
    case .created, .gathering, .collecting, .aggregating, .concluding, .stopping, .finished: return []
    }
    var actions: [RoundAction] = [.roundFinished(round.summary(result: result, at: now))]
    round = OpenRound(number: number.next, base: result)
    if isStopping {
      state = .stopping(aggregating: false)
    } else if countedAbsentBoards && members.count < policy.minimumBoards && !allRoundsHeld {
      countedAbsentBoards = false
      state = .gathering(graceEnds: members.isEmpty ? nil : now + policy.startGrace)
    } else {
      begin(now, &actions)
    }
    settle(now, &actions)
    return actions
  }

  /// The round could not be aggregated, and nothing of it was made durable.
  ///
  /// - Parameter unusable: boards whose stored updates could not be read or averaged. The store has withdrawn
  ///   them; they may contribute again. When there are none, the aggregation is tried again after a pause.
  public mutating func aggregationFailed(
    _ number: RoundNumber, unusable: [BoardID], now: MonotonicTime
  ) -> [RoundAction] {
    guard number == round.number else { return [] }
    var actions: [RoundAction] = []
    switch state {
    case .stopping(aggregating: true):
      state = .stopping(aggregating: false)
    case .aggregating(nil) where unusable.isEmpty:
      let pause = policy.pause(afterAttempt: .max)
      state = .aggregating(retryAt: now + pause)
      actions.append(.aggregateLater(number, after: pause))
    case .aggregating(nil):
      for board in unusable { round.withdraw(board) }
      collect(now, &actions)
    case .created, .gathering, .collecting, .aggregating, .concluding, .stopping, .finished: return []
    }
    settle(now, &actions)
    return actions
  }

  // MARK: - Time

  /// Does what is due at `now`.
  public mutating func tick(now: MonotonicTime) -> [RoundAction] {
    var actions: [RoundAction] = []
    switch state {
    case .created, .stopping, .finished: return []
    case .gathering(let graceEnds):
      // Zero boards and nothing to do without them cannot have a grace; see `boardLost`.
      if let graceEnds, graceEnds <= now { endGathering(now, &actions) }
    case .collecting(let deadline):
      missing = missing.filter { $0.value > now }
      boardsDue(now, &actions)
      if let deadline, deadline <= now { state = .collecting(deadline: nil) }
    case .aggregating(let retryAt):
      if let retryAt, retryAt <= now { aggregate(&actions) }
    case .concluding(let deadline):
      missing = missing.filter { $0.value > now }
      boardsDue(now, &actions)
      if deadline <= now { conclude(&actions) }
    }
    settle(now, &actions)
    return actions
  }

  // MARK: - What follows from events

  private var allRoundsHeld: Bool {
    if let maximum = policy.maximumRounds { round.number.rawValue > maximum } else { false }
  }

  /// Whether boards are given work.
  private var isWorking: Bool {
    switch state {
    case .collecting, .concluding: true
    case .created, .gathering, .aggregating, .stopping, .finished: false
    }
  }

  private var contributionsNeeded: Int { policy.quorum.contributionsNeeded(of: round.roster.count) }

  private var boardDeadline: MonotonicTime? { members.values.lazy.compactMap(\.deadline).min() }

  private func isExcluded(_ board: BoardID) -> Bool {
    round.hasFailed(board, atLeast: policy.maximumAttemptsPerBoard)
  }

  private func canContribute(_ board: BoardID) -> Bool {
    round.contribution(of: board) == nil && !isExcluded(board)
  }

  private func refusal(of contribution: Contribution, _ verdict: UpdateVerdict) -> RefusalReason? {
    if contribution.round > round.number { return .roundNotBegun(open: round.number) }
    if allRoundsHeld { return .noRoundOpen }
    if contribution.base != round.base.hash {
      return .wrongBase(expected: round.base.hash, got: contribution.base)
    }
    if contribution.examples == 0 { return .noExamples }
    if case .unsound(let reason) = verdict { return .unsound(reason) }
    return nil
  }

  /// Moves on when what the state waits for has come about. Called at the end of every event.
  private mutating func settle(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    switch state {
    case .gathering:
      let have = Set(round.contributors).union(members.keys).count
      if have >= policy.minimumBoards {
        endGathering(now, &actions)
        settle(now, &actions)
      } else if announcedHave != have {
        announcedHave = have
        actions.append(.waitForBoards(have: have, need: policy.minimumBoards))
      }
    case .collecting(let deadline):
      announceCompleteEvaluation(&actions)
      if round.isStoring { break }
      if deadline == nil {
        deadlinePassed(now, &actions)
      } else if round.storedCount >= contributionsNeeded && nobodyIsLeft {
        close(&actions)
      }
    case .concluding:
      announceCompleteEvaluation(&actions)
      if missing.isEmpty, members.allSatisfy({ $0.value.step == .idle }) { conclude(&actions) }
    case .stopping(aggregating: false) where !round.isStoring:
      state = .finished
      actions.append(.finished(.stopped))
    case .created, .aggregating, .stopping, .finished: break
    }
  }

  /// Whether no board could still contribute without coming anew.
  private var nobodyIsLeft: Bool {
    !members.keys.contains(where: canContribute) && !missing.keys.contains(where: canContribute)
  }

  private mutating func endGathering(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    countedAbsentBoards = round.contributors.contains { members[$0] == nil }
    begin(now, &actions)
  }

  /// Opens the round, or ends the run when all rounds are held.
  private mutating func begin(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    guard allRoundsHeld else {
      round.openedAt = now
      actions.append(
        .roundOpened(
          round.number, base: round.base, boards: members.count, contributions: round.storedCount))
      collect(now, &actions)
      return
    }
    state = .concluding(deadline: now + policy.roundDeadline)
    assignAll(now, &actions)
  }

  private mutating func collect(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    state = .collecting(deadline: now + policy.roundDeadline)
    round.roster.formUnion(round.contributors)
    round.roster.formUnion(members.keys)
    round.roster.formUnion(missing.keys)
    assignAll(now, &actions)
  }

  private mutating func assignAll(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    for board in members.keys.sorted() { assign(board, now, &actions) }
  }

  /// Gives a connected board the next thing to do on its path.
  private mutating func assign(_ board: BoardID, _ now: MonotonicTime, _ actions: inout [RoundAction]) {
    guard isWorking, let member = members[board] else { return }
    let silentAt = now + policy.boardDeadline
    if !canContribute(board) {
      members[board]?.step = .idle
    } else if member.held != round.base.hash {
      members[board]?.step = .receiving(silentAt: silentAt)
      actions.append(.deliver(round.base, to: board))
    } else if policy.evaluatesOnBoards && round.evaluation.wants(board) {
      members[board]?.step = .evaluating(silentAt: silentAt)
      actions.append(.evaluate(board, round.base))
    } else if case .collecting = state {
      members[board]?.step = .training(silentAt: silentAt)
      actions.append(.train(board, round.number))
    } else {
      members[board]?.step = .idle
    }
  }

  /// Fails a board that was asked for something; to others it means nothing.
  private mutating func fail(
    _ board: BoardID, _ reason: FailureReason, _ now: MonotonicTime, _ actions: inout [RoundAction]
  ) {
    guard isWorking, canContribute(board), let member = members[board] else { return }
    switch member.step {
    case .idle, .resting: return
    case .evaluating: round.evaluation.skip(board)
    case .receiving, .training: break
    }
    countFailure(board, reason, now, &actions)
  }

  private mutating func countFailure(
    _ board: BoardID, _ reason: FailureReason, _ now: MonotonicTime, _ actions: inout [RoundAction]
  ) {
    let attempt = round.countFailure(of: board)
    if isExcluded(board) {
      members[board]?.step = .idle
      actions.append(.exclude(board, round.number, reason))
    } else {
      let pause = policy.pause(afterAttempt: attempt)
      members[board]?.step = .resting(until: now + pause)
      actions.append(.retryLater(board, reason, attempt: attempt, after: pause))
    }
  }

  /// Handles the boards whose silence or rest is over.
  private mutating func boardsDue(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    for (board, member) in members.sorted(by: { $0.key < $1.key }) {
      guard let deadline = member.deadline, deadline <= now else { continue }
      guard canContribute(board) else {
        members[board]?.step = .idle
        continue
      }
      switch member.step {
      case .idle: break
      case .resting: assign(board, now, &actions)
      case .receiving: fail(board, .silent(.receiving), now, &actions)
      case .evaluating: fail(board, .silent(.evaluating), now, &actions)
      case .training:
        actions.append(.stopTraining(board, round.number))
        fail(board, .silent(.training), now, &actions)
      }
    }
  }

  private mutating func announceCompleteEvaluation(_ actions: inout [RoundAction]) {
    guard policy.evaluatesOnBoards, !round.evaluation.isClosed, !members.isEmpty else { return }
    let outstanding = members.keys.contains { round.evaluation.wants($0) && canContribute($0) }
    if !outstanding { announceEvaluation(&actions) }
  }

  private mutating func announceEvaluation(_ actions: inout [RoundAction]) {
    guard let (total, boards) = round.evaluation.close() else { return }
    actions.append(.modelEvaluated(round.base, total, boards: boards))
  }

  /// The deadline is over and nothing is on its way to the store: the round closes or goes on.
  private mutating func deadlinePassed(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    if round.storedCount < contributionsNeeded {
      // Boards that went away for good or keep failing must not hold a fractional quorum out of reach.
      round.roster = Set(round.contributors).union(members.keys.filter(canContribute)).union(missing.keys)
    }
    guard round.storedCount < contributionsNeeded else { return close(&actions) }
    round.extensions += 1
    actions.append(.roundExtended(round.number, have: round.storedCount, need: contributionsNeeded))
    state = .collecting(deadline: now + policy.roundDeadline)
    round.forgiveFailures()
    for board in members.keys.sorted() where members[board]?.step == .idle && canContribute(board) {
      round.roster.insert(board)
      assign(board, now, &actions)
    }
  }

  private mutating func close(_ actions: inout [RoundAction]) {
    announceEvaluation(&actions)
    for (board, member) in members.sorted(by: { $0.key < $1.key }) {
      guard case .training = member.step else { continue }
      members[board]?.step = .idle
      actions.append(.stopTraining(board, round.number))
    }
    aggregate(&actions)
  }

  private mutating func aggregate(_ actions: inout [RoundAction]) {
    state = .aggregating(retryAt: nil)
    actions.append(.aggregate(round.number, round.storedBoards))
  }

  private mutating func conclude(_ actions: inout [RoundAction]) {
    announceEvaluation(&actions)
    state = .finished
    actions.append(.finished(.allRoundsHeld))
  }
}
