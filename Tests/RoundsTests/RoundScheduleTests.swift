import Rounds
import Testing

@Suite struct RoundScheduleTests {
  /// Seeds of schedules, in eight groups that run side by side.
  static let seedsPerGroup: UInt64 = 250

  @Test(arguments: 0..<UInt64(8))
  func `Whatever happens, all rounds are held and every contribution is counted once`(group: UInt64) throws {
    var steps = 0
    var restarts = 0
    for seed in group * Self.seedsPerGroup..<(group + 1) * Self.seedsPerGroup {
      var run = try SimulatedRun(seed: seed)
      run.run()
      steps += run.steps
      restarts += run.restarts
    }
    print("seeds from \(group * Self.seedsPerGroup): \(steps) steps, \(restarts) restarts of the gateway")
    // The schedules must really be eventful, or they prove nothing.
    #expect(restarts > Int(Self.seedsPerGroup) / 2)
    #expect(steps > Int(Self.seedsPerGroup) * 50)
  }

  @Test func `Five hundred boards all count in every round`() throws {
    let boards = (1...500).map { BoardID(UInt64($0)) }
    var rounds = try coordinator(minimumBoards: 500, quorum: .fraction(1), rounds: 3, evaluates: true)
    for board in boards { _ = rounds.boardReady(board, holding: hash(0), now: seconds(1)) }
    let clock = ContinuousClock()
    let took = clock.measure {
      for number in UInt32(1)...3 {
        let (round, base, now) = (RoundNumber(number), hash(UInt64(number - 1)), seconds(Int(number)))
        var actions: [RoundAction] = []
        for board in boards {
          _ = rounds.modelDelivered(board, base, now: now)
          _ = rounds.evaluationReported(board, base, report(10, 5, 7), now: now)
          for _ in 0..<10 { _ = rounds.trainingProgressed(board, round, now: now) }
          actions = rounds.contribute(update(board, number, base: number - 1), at: Int(number))
          // As a driver would after each event.
          _ = rounds.nextDeadline
        }
        #expect(actions.aggregated == boards)
        _ = rounds.aggregated(round, version(number), now: now)
      }
    }
    #expect(rounds.status.phase == .concluding)
    print("three rounds of 500 boards took the coordinator \(took)")
  }
}
