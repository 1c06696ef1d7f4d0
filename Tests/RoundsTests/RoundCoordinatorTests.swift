import Testing

@testable import Rounds

@Suite struct RoundCoordinatorTests {
  // MARK: The good path

  @Test func `A board goes from delivery over evaluation and training to a counted contribution`() throws {
    var rounds = try coordinator(rounds: 1, evaluates: true)
    #expect(
      rounds.boardReady(a, holding: nil, now: seconds(1)) == [
        .roundOpened(.first, base: version(0), boards: 1, contributions: 0), .deliver(version(0), to: a),
      ])
    #expect(rounds.modelDelivered(a, hash(0), now: seconds(2)) == [.evaluate(a, version(0))])
    #expect(
      rounds.evaluationReported(a, hash(0), report(10, 3, 20), now: seconds(3)) == [
        .train(a, .first), .modelEvaluated(version(0), report(10, 3, 20), boards: 1),
      ])
    #expect(rounds.trainingProgressed(a, .first, now: seconds(4)).isEmpty)
    #expect(rounds.updateArrived(update(a), verdict: .sound, now: seconds(5)) == [.store(update(a))])
    #expect(
      rounds.contributionStored(a, .first, now: seconds(6)) == [.confirm(a, .first), .aggregate(.first, [a])])
    let actions = rounds.aggregated(.first, version(1), now: seconds(7))
    #expect(
      actions == [
        .roundFinished(
          RoundSummary(
            round: .first, base: version(0), result: version(1), boards: [a], examples: 10,
            trainingLoss: 0.5, late: 0, refused: 0, extensions: 0, duration: .seconds(6))),
        .deliver(version(1), to: a),
      ])
    #expect(rounds.modelDelivered(a, hash(1), now: seconds(8)) == [.evaluate(a, version(1))])
    #expect(
      rounds.evaluationReported(a, hash(1), report(10, 9, 2), now: seconds(9)) == [
        .modelEvaluated(version(1), report(10, 9, 2), boards: 1), .finished(.allRoundsHeld),
      ])
    #expect(rounds.nextDeadline == nil)
  }

  @Test func `A board that holds the base already gets no delivery`() throws {
    var rounds = try coordinator()
    #expect(rounds.boardReady(a, holding: hash(0), now: seconds(0)).last == .train(a, .first))
  }

  @Test func `The next round begins with the boards that are there, each from its own place`() throws {
    var rounds = try coordinator(minimumBoards: 2)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardReady(b, holding: hash(0), now: seconds(0))
    _ = rounds.contribute(update(a), at: 1)
    #expect(rounds.contribute(update(b), at: 2).aggregated == [a, b])
    let actions = rounds.aggregated(.first, version(1), now: seconds(3))
    #expect(
      actions.dropFirst() == [
        .roundOpened(RoundNumber(2), base: version(1), boards: 2, contributions: 0),
        .deliver(version(1), to: a), .deliver(version(1), to: b),
      ])
  }

  @Test func `The mean training loss is weighted by examples and ignores boards that gave none`() throws {
    var rounds = try coordinator(minimumBoards: 3)
    for board in [a, b, c] { _ = rounds.boardReady(board, holding: hash(0), now: seconds(0)) }
    _ = rounds.contribute(update(a, examples: 30, loss: 1), at: 1)
    _ = rounds.contribute(update(b, examples: 10, loss: 3), at: 1)
    _ = rounds.contribute(update(c, examples: 60, loss: .nan), at: 1)
    let actions = rounds.aggregated(.first, version(1), now: seconds(3))
    guard case .roundFinished(let summary) = actions.first else { Issue.record("\(actions)"); return }
    #expect(summary.trainingLoss == 1.5)
    #expect(summary.examples == 100)
  }

  // MARK: Waiting at the start

  @Test func `The first round waits for enough boards and says so`() throws {
    var rounds = try coordinator(minimumBoards: 2)
    #expect(rounds.boardReady(a, holding: nil, now: seconds(0)) == [.waitForBoards(have: 1, need: 2)])
    #expect(rounds.boardLost(a, now: seconds(1)) == [.waitForBoards(have: 0, need: 2)])
    #expect(rounds.nextDeadline == nil)
    _ = rounds.boardReady(a, holding: nil, now: seconds(2))
    #expect(
      rounds.boardReady(b, holding: nil, now: seconds(3)).first
        == .roundOpened(.first, base: version(0), boards: 2, contributions: 0))
  }

  @Test func `When the grace is over the round begins with those that came`() throws {
    var rounds = try coordinator(minimumBoards: 4)
    _ = rounds.boardReady(a, holding: nil, now: seconds(10))
    #expect(rounds.nextDeadline == seconds(40))
    #expect(rounds.tick(now: seconds(39)).isEmpty)
    #expect(
      rounds.tick(now: seconds(40)) == [
        .roundOpened(.first, base: version(0), boards: 1, contributions: 0), .deliver(version(0), to: a),
      ])
  }

  // MARK: Coming and going

  @Test func `A board that joins in the middle of a round is used in it`() throws {
    var rounds = try coordinator()
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    #expect(rounds.boardReady(b, holding: nil, now: seconds(1)) == [.deliver(version(0), to: b)])
    #expect(rounds.contribute(update(a), at: 2).aggregated == nil)
    _ = rounds.modelDelivered(b, hash(0), now: seconds(3))
    #expect(rounds.contribute(update(b), at: 4).aggregated == [a, b])
  }

  @Test func `A lost board is waited for shortly and then no more`() throws {
    var rounds = try coordinator(minimumBoards: 2)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardReady(b, holding: hash(0), now: seconds(0))
    _ = rounds.boardLost(b, now: seconds(9))
    #expect(rounds.contribute(update(a), at: 10).aggregated == nil)
    #expect(rounds.nextDeadline == seconds(14))
    #expect(rounds.tick(now: seconds(14)).aggregated == [a])
  }

  @Test func `A lost board that comes back in time is asked again`() throws {
    var rounds = try coordinator(minimumBoards: 2)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardReady(b, holding: hash(0), now: seconds(0))
    _ = rounds.boardLost(b, now: seconds(9))
    _ = rounds.contribute(update(a), at: 10)
    #expect(rounds.boardReady(b, holding: hash(0), now: seconds(12)) == [.train(b, .first)])
    #expect(rounds.contribute(update(b), at: 13).aggregated == [a, b])
  }

  @Test func `An update that arrived in whole counts although its board is gone`() throws {
    var rounds = try coordinator()
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardLost(a, now: seconds(1))
    #expect(rounds.contribute(update(a), at: 2).aggregated == [a])
  }

  @Test func `A board that contributed and comes back is left alone until the next round`() throws {
    var rounds = try coordinator(minimumBoards: 2)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardReady(b, holding: hash(0), now: seconds(0))
    _ = rounds.contribute(update(a), at: 1)
    _ = rounds.boardLost(a, now: seconds(2))
    #expect(rounds.boardReady(a, holding: hash(0), now: seconds(3)).isEmpty)
  }

  // MARK: Failures of boards

  @Test func `A silent board is tried again with growing pauses and then left out of the round`() throws {
    var rounds = try coordinator(minimumBoards: 2)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardReady(b, holding: nil, now: seconds(0))
    _ = rounds.contribute(update(a), at: 1)
    let silent = FailureReason.silent(.receiving)
    #expect(rounds.tick(now: seconds(30)) == [.retryLater(b, silent, attempt: 1, after: .seconds(1))])
    #expect(rounds.tick(now: seconds(31)) == [.deliver(version(0), to: b)])
    #expect(rounds.tick(now: seconds(61)) == [.retryLater(b, silent, attempt: 2, after: .seconds(2))])
    #expect(rounds.tick(now: seconds(63)) == [.deliver(version(0), to: b)])
    #expect(rounds.tick(now: seconds(93)) == [.exclude(b, .first, silent), .aggregate(.first, [a])])
    // The next round tries it again.
    let actions = rounds.aggregated(.first, version(1), now: seconds(94))
    #expect(actions.contains(.deliver(version(1), to: b)))
  }

  @Test func `Progress keeps a slow board alive, progress for another round does not`() throws {
    var rounds = try coordinator()
    _ = rounds.boardReady(a, holding: nil, now: seconds(0))
    _ = rounds.transferProgressed(a, now: seconds(20))
    #expect(rounds.tick(now: seconds(49)).isEmpty)
    _ = rounds.modelDelivered(a, hash(0), now: seconds(49))
    _ = rounds.trainingProgressed(a, .first, now: seconds(70))
    _ = rounds.trainingProgressed(a, RoundNumber(2), now: seconds(90))
    #expect(
      rounds.tick(now: seconds(100)) == [
        .stopTraining(a, .first),
        .retryLater(a, .silent(.training), attempt: 1, after: .seconds(1)),
      ])
  }

  @Test func `A board that cannot evaluate still trains`() throws {
    var rounds = try coordinator(evaluates: true)
    #expect(rounds.boardReady(a, holding: hash(0), now: seconds(0)).last == .evaluate(a, version(0)))
    #expect(rounds.boardFailed(a, reason: "no held-out examples", now: seconds(1)) == [.train(a, .first)])
  }

  @Test func `A failed board does not keep others from training nor the round from closing`() throws {
    var rounds = try coordinator(minimumBoards: 3, attempts: 1)
    for board in [a, b, c] { _ = rounds.boardReady(board, holding: hash(0), now: seconds(0)) }
    let failure = FailureReason.reported("out of memory")
    #expect(rounds.boardFailed(b, reason: "out of memory", now: seconds(1)) == [.exclude(b, .first, failure)])
    _ = rounds.contribute(update(a), at: 2)
    #expect(rounds.contribute(update(c), at: 3).aggregated == [a, c])
  }

  @Test func `A failure of a board that was asked for nothing means nothing`() throws {
    var rounds = try coordinator(minimumBoards: 2)
    #expect(rounds.boardFailed(a, reason: "?", now: seconds(0)).isEmpty)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    #expect(rounds.boardFailed(a, reason: "?", now: seconds(0)).isEmpty)
    _ = rounds.boardReady(b, holding: hash(0), now: seconds(0))
    _ = rounds.contribute(update(a), at: 2)
    #expect(rounds.boardFailed(a, reason: "?", now: seconds(3)).isEmpty)
  }

  // MARK: Refusals

  @Test func `Unfit updates are refused with the reason, and the board is tried again`() throws {
    let future = update(a, 7)
    let stale = update(a, base: 9)
    let unfit = update(a)
    let empty = update(a, examples: 0)
    let cases: [(Contribution, UpdateVerdict, RefusalReason, RoundAction)] = [
      (future, .sound, .roundNotBegun(open: .first), .train(a, .first)),
      (stale, .sound, .wrongBase(expected: hash(0), got: hash(9)), .deliver(version(0), to: a)),
      (unfit, .unsound("norm 1e9 above 100"), .unsound("norm 1e9 above 100"), .train(a, .first)),
      (empty, .sound, .noExamples, .train(a, .first)),
    ]
    for (contribution, verdict, reason, next) in cases {
      var rounds = try coordinator()
      _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
      #expect(
        rounds.updateArrived(contribution, verdict: verdict, now: seconds(1)) == [
          .refuse(contribution, reason),
          .retryLater(a, .refused(reason), attempt: 1, after: .seconds(1)),
        ])
      #expect(rounds.tick(now: seconds(2)) == [next])
    }
  }

  @Test func `The same update again is confirmed again, another one is refused`() throws {
    var rounds = try coordinator(minimumBoards: 2)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardReady(b, holding: hash(0), now: seconds(0))
    _ = rounds.updateArrived(update(a), verdict: .sound, now: seconds(1))
    // Not yet durable: nothing may be confirmed, and it is not stored twice.
    #expect(rounds.updateArrived(update(a), verdict: .sound, now: seconds(1)).isEmpty)
    _ = rounds.contributionStored(a, .first, now: seconds(2))
    #expect(rounds.updateArrived(update(a), verdict: .sound, now: seconds(3)) == [.confirm(a, .first)])
    let other = update(a, content: 5)
    #expect(
      rounds.updateArrived(other, verdict: .sound, now: seconds(4)) == [.refuse(other, .alreadyContributed)])
  }

  // MARK: Deadlines

  @Test func `At the deadline a round with quorum closes without the straggler, whose update is then late`()
    throws
  {
    var rounds = try coordinator(minimumBoards: 2)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardReady(b, holding: hash(0), now: seconds(0))
    _ = rounds.contribute(update(a), at: 1)
    for time in stride(from: 20, to: 300, by: 20) {
      _ = rounds.trainingProgressed(b, .first, now: seconds(time))
      #expect(rounds.tick(now: seconds(time)).isEmpty)
    }
    #expect(rounds.tick(now: seconds(300)) == [.stopTraining(b, .first), .aggregate(.first, [a])])
    // Closed: too late for the average, even though the round is not over yet.
    let late = update(b)
    #expect(
      rounds.updateArrived(late, verdict: .sound, now: seconds(301)) == [
        .discardLate(late, openRound: .first)
      ])
    _ = rounds.aggregated(.first, version(1), now: seconds(302))
    #expect(
      rounds.updateArrived(late, verdict: .sound, now: seconds(303)) == [
        .discardLate(late, openRound: RoundNumber(2))
      ])
  }

  @Test func `A round without quorum is extended, keeps what it has and forgives failures`() throws {
    var rounds = try coordinator(minimumBoards: 2, quorum: .boards(2), attempts: 1)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardReady(b, holding: hash(0), now: seconds(0))
    _ = rounds.contribute(update(a), at: 1)
    _ = rounds.boardFailed(b, reason: "hot", now: seconds(2))
    #expect(
      rounds.tick(now: seconds(300)) == [.roundExtended(.first, have: 1, need: 2), .train(b, .first)])
    #expect(rounds.nextDeadline == seconds(330))
    #expect(rounds.contribute(update(b), at: 310).aggregated == [a, b])
  }

  @Test func `Boards that went away for good do not hold a fractional quorum out of reach`() throws {
    var rounds = try coordinator(minimumBoards: 4, quorum: .fraction(0.75))
    for board in [a, b, c, d] { _ = rounds.boardReady(board, holding: hash(0), now: seconds(0)) }
    for board in [b, c, d] { _ = rounds.boardLost(board, now: seconds(1)) }
    // Not at once: a USB hub that stumbles must not shrink the round.
    #expect(rounds.contribute(update(a), at: 2).aggregated == nil)
    #expect(rounds.tick(now: seconds(6)).aggregated == nil)
    #expect(rounds.tick(now: seconds(300)).aggregated == [a])
  }

  @Test func `A round without any contribution never aggregates`() throws {
    var rounds = try coordinator()
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardLost(a, now: seconds(1))
    #expect(rounds.tick(now: seconds(300)) == [.roundExtended(.first, have: 0, need: 1)])
    #expect(rounds.tick(now: seconds(600)) == [.roundExtended(.first, have: 0, need: 1)])
  }

  @Test func `The deadline waits for a contribution on its way to the store`() throws {
    var rounds = try coordinator(minimumBoards: 3)
    for board in [a, b, c] { _ = rounds.boardReady(board, holding: hash(0), now: seconds(0)) }
    _ = rounds.contribute(update(a), at: 1)
    _ = rounds.contribute(update(b), at: 1)
    _ = rounds.updateArrived(update(c), verdict: .sound, now: seconds(299))
    #expect(rounds.tick(now: seconds(300)).isEmpty)
    #expect(rounds.nextDeadline == nil)
    #expect(rounds.contributionStored(c, .first, now: seconds(301)).aggregated == [a, b, c])
  }

  // MARK: A store or an aggregation that fails

  @Test func `A contribution that the store could not keep does not count and is asked for again`() throws {
    var rounds = try coordinator()
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.updateArrived(update(a), verdict: .sound, now: seconds(1))
    #expect(
      rounds.contributionNotStored(a, .first, now: seconds(2)) == [
        .retryLater(a, .notStored, attempt: 1, after: .seconds(1))
      ])
    #expect(rounds.tick(now: seconds(3)) == [.train(a, .first)])
    #expect(rounds.contribute(update(a), at: 4).aggregated == [a])
  }

  @Test func `A failed aggregation is tried again with the same contributions`() throws {
    var rounds = try coordinator()
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.contribute(update(a), at: 1)
    #expect(
      rounds.aggregationFailed(.first, unusable: [], now: seconds(2)) == [
        .aggregateLater(.first, after: .seconds(30))
      ])
    #expect(rounds.tick(now: seconds(32)) == [.aggregate(.first, [a])])
  }

  @Test func `Contributions that turn out unusable are taken out and may be given again`() throws {
    var rounds = try coordinator(minimumBoards: 2)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.boardReady(b, holding: hash(0), now: seconds(0))
    _ = rounds.contribute(update(a), at: 1)
    _ = rounds.contribute(update(b), at: 1)
    #expect(rounds.aggregationFailed(.first, unusable: [b], now: seconds(2)) == [.train(b, .first)])
    #expect(rounds.contribute(update(b), at: 3).aggregated == [a, b])
  }

  @Test func `A result for another round than the one under way is ignored`() throws {
    var rounds = try coordinator()
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    #expect(rounds.aggregated(.first, version(1), now: seconds(1)).isEmpty)
    _ = rounds.contribute(update(a), at: 1)
    #expect(rounds.aggregated(RoundNumber(2), version(1), now: seconds(2)).isEmpty)
    #expect(rounds.status.phase == .aggregating)
  }

  // MARK: Restart and stop

  @Test func `After a restart the round goes on with the contributions that were durable`() throws {
    var rounds = try coordinator(minimumBoards: 3, contributions: [update(a), update(b)])
    // A contributor that returns first does not close the round alone; it counts as there only once.
    #expect(rounds.boardReady(a, holding: hash(0), now: seconds(1)).isEmpty)
    #expect(
      rounds.boardReady(c, holding: hash(0), now: seconds(2)) == [
        .roundOpened(.first, base: version(0), boards: 2, contributions: 2), .train(c, .first),
      ])
    #expect(rounds.updateArrived(update(a), verdict: .sound, now: seconds(3)) == [.confirm(a, .first)])
    #expect(rounds.contribute(update(c), at: 4).aggregated == [a, b, c])
  }

  @Test func `After a restart with all contributions the round closes without any board`() throws {
    var rounds = try coordinator(minimumBoards: 3, contributions: [update(a), update(b)])
    #expect(rounds.nextDeadline == seconds(30))
    #expect(rounds.tick(now: seconds(30)).aggregated == [a, b])
  }

  @Test func `After a round closed by contributions of before a restart boards are gathered again`() throws {
    var rounds = try coordinator(minimumBoards: 3, contributions: [update(a), update(b), update(c)])
    #expect(rounds.status.phase == .aggregating)
    let actions = rounds.aggregated(.first, version(1), now: seconds(1))
    #expect(actions.last == .waitForBoards(have: 0, need: 3))
    // The first one to return does not hold the next round alone.
    #expect(rounds.boardReady(b, holding: hash(0), now: seconds(2)) == [.waitForBoards(have: 1, need: 3)])
    #expect(rounds.boardReady(a, holding: hash(0), now: seconds(3)) == [.waitForBoards(have: 2, need: 3)])
    let begins = rounds.boardReady(c, holding: hash(0), now: seconds(4))
    #expect(begins.first == .roundOpened(RoundNumber(2), base: version(1), boards: 3, contributions: 0))
  }

  @Test func `Nobody waits for ever for a board that contributed before a restart and stays away`() throws {
    var rounds = try coordinator(minimumBoards: 3, contributions: [update(a), update(b)])
    #expect(rounds.boardReady(c, holding: hash(0), now: seconds(1)).contains(.train(c, .first)))
    #expect(rounds.contribute(update(c), at: 2).aggregated == [a, b, c])
    _ = rounds.aggregated(.first, version(1), now: seconds(3))
    #expect(rounds.nextDeadline == seconds(33))
    let begins = rounds.tick(now: seconds(33))
    #expect(begins.first == .roundOpened(RoundNumber(2), base: version(1), boards: 1, contributions: 0))
    // From then on rounds follow each other.
    #expect(rounds.contribute(update(c, 2, base: 1), at: 34).aggregated == [c])
    let next = rounds.aggregated(RoundNumber(2), version(2), now: seconds(35))
    #expect(next.contains(.roundOpened(RoundNumber(3), base: version(2), boards: 1, contributions: 0)))
  }

  @Test func `Contributions of another round, another base or a board twice are not recovered`() throws {
    let rounds = try coordinator(
      minimumBoards: 3,
      contributions: [update(a), update(a, content: 5), update(b, 2), update(c, base: 4)])
    #expect(rounds.status.contributed == 1)
  }

  @Test func `An update that arrives before the round is opened again still counts`() throws {
    var rounds = try coordinator(minimumBoards: 3)
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(1))
    #expect(rounds.updateArrived(update(a), verdict: .sound, now: seconds(2)) == [.store(update(a))])
    #expect(rounds.contributionStored(a, .first, now: seconds(3)) == [.confirm(a, .first)])
  }

  @Test func `A run whose rounds are all held brings the last model to the boards and finishes`() throws {
    var rounds = try coordinator(minimumBoards: 2, rounds: 4, evaluates: true, round: 5)
    _ = rounds.boardReady(a, holding: hash(4), now: seconds(1))
    #expect(
      rounds.boardReady(b, holding: nil, now: seconds(2)) == [
        .evaluate(a, version(4)), .deliver(version(4), to: b),
      ])
    _ = rounds.evaluationReported(a, hash(4), report(4, 3, 1), now: seconds(3))
    let update = update(b, 5, base: 4)
    #expect(
      rounds.updateArrived(update, verdict: .sound, now: seconds(3)).first == .refuse(update, .noRoundOpen))
    // A board that never answers cannot hold up the end.
    #expect(rounds.tick(now: seconds(302)).last == .finished(.allRoundsHeld))
  }

  @Test func `A run whose rounds are all held finishes even when no board comes`() throws {
    var rounds = try coordinator(rounds: 4, round: 5)
    #expect(rounds.tick(now: seconds(30)) == [.finished(.allRoundsHeld)])
  }

  @Test func `Stopping waits for what is being made durable, and says nothing to boards`() throws {
    var rounds = try coordinator()
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.updateArrived(update(a), verdict: .sound, now: seconds(1))
    #expect(rounds.stop(now: seconds(2)).isEmpty)
    #expect(rounds.updateArrived(update(b), verdict: .sound, now: seconds(2)).isEmpty)
    #expect(
      rounds.contributionStored(a, .first, now: seconds(3)) == [.confirm(a, .first), .finished(.stopped)])
    #expect(rounds.stop(now: seconds(4)).isEmpty)
  }

  @Test func `Stopping during an aggregation waits for its result`() throws {
    var rounds = try coordinator()
    _ = rounds.boardReady(a, holding: hash(0), now: seconds(0))
    _ = rounds.contribute(update(a), at: 1)
    #expect(rounds.stop(now: seconds(2)).isEmpty)
    let actions = rounds.aggregated(.first, version(1), now: seconds(3))
    #expect(actions.count == 2)
    #expect(actions.last == .finished(.stopped))
  }
}
