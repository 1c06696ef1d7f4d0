// Updates that boards bring, and the model that is made of them.
extension RoundCoordinator {
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
}
