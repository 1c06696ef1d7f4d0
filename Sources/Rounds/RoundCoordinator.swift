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
  enum State {
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

  let policy: RoundPolicy
  var state = State.created
  var round: OpenRound
  var members: [BoardID: Member] = [:]
  /// Boards lost a moment ago, and until when the round waits for them.
  var missing: [BoardID: MonotonicTime] = [:]
  /// What `waitForBoards` said last, to say it only when it changes.
  var announcedHave: Int?
  /// Whether the round was begun for boards that had contributed before a restart and were not back.
  var countedAbsentBoards = false

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
}
