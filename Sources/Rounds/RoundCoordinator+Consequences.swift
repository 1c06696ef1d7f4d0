// What follows from events.
extension RoundCoordinator {
  var allRoundsHeld: Bool {
    if let maximum = policy.maximumRounds { round.number.rawValue > maximum } else { false }
  }

  /// Whether boards are given work.
  var isWorking: Bool {
    switch state {
    case .collecting, .concluding: true
    case .created, .gathering, .aggregating, .stopping, .finished: false
    }
  }

  var contributionsNeeded: Int { policy.quorum.contributionsNeeded(of: round.roster.count) }

  var boardDeadline: MonotonicTime? { members.values.lazy.compactMap(\.deadline).min() }

  func isExcluded(_ board: BoardID) -> Bool {
    round.hasFailed(board, atLeast: policy.maximumAttemptsPerBoard)
  }

  func canContribute(_ board: BoardID) -> Bool {
    round.contribution(of: board) == nil && !isExcluded(board)
  }

  func refusal(of contribution: Contribution, _ verdict: UpdateVerdict) -> RefusalReason? {
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
  mutating func settle(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
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
  var nobodyIsLeft: Bool {
    !members.keys.contains(where: canContribute) && !missing.keys.contains(where: canContribute)
  }

  mutating func endGathering(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    countedAbsentBoards = round.contributors.contains { members[$0] == nil }
    begin(now, &actions)
  }

  /// Opens the round, or ends the run when all rounds are held.
  mutating func begin(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
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

  mutating func collect(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    state = .collecting(deadline: now + policy.roundDeadline)
    round.roster.formUnion(round.contributors)
    round.roster.formUnion(members.keys)
    round.roster.formUnion(missing.keys)
    assignAll(now, &actions)
  }

  mutating func assignAll(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
    for board in members.keys.sorted() { assign(board, now, &actions) }
  }

  /// Gives a connected board the next thing to do on its path.
  mutating func assign(_ board: BoardID, _ now: MonotonicTime, _ actions: inout [RoundAction]) {
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
  mutating func fail(
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

  mutating func countFailure(
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
  mutating func boardsDue(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
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

  mutating func announceCompleteEvaluation(_ actions: inout [RoundAction]) {
    guard policy.evaluatesOnBoards, !round.evaluation.isClosed, !members.isEmpty else { return }
    let outstanding = members.keys.contains { round.evaluation.wants($0) && canContribute($0) }
    if !outstanding { announceEvaluation(&actions) }
  }

  mutating func announceEvaluation(_ actions: inout [RoundAction]) {
    guard let (total, boards) = round.evaluation.close() else { return }
    actions.append(.modelEvaluated(round.base, total, boards: boards))
  }

  /// The deadline is over and nothing is on its way to the store: the round closes or goes on.
  mutating func deadlinePassed(_ now: MonotonicTime, _ actions: inout [RoundAction]) {
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

  mutating func close(_ actions: inout [RoundAction]) {
    announceEvaluation(&actions)
    for (board, member) in members.sorted(by: { $0.key < $1.key }) {
      guard case .training = member.step else { continue }
      members[board]?.step = .idle
      actions.append(.stopTraining(board, round.number))
    }
    aggregate(&actions)
  }

  mutating func aggregate(_ actions: inout [RoundAction]) {
    state = .aggregating(retryAt: nil)
    actions.append(.aggregate(round.number, round.storedBoards))
  }

  mutating func conclude(_ actions: inout [RoundAction]) {
    announceEvaluation(&actions)
    state = .finished
    actions.append(.finished(.allRoundsHeld))
  }
}
