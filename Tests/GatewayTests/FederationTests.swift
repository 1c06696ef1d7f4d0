import Baselines
import FederationSimulation
import Gateway
import Rounds
import Testing
import UpdateCodec

/// A few lives of a federation; `Tests/Simulation` lives thousands.
@Suite struct FederationTests {
  @Test(arguments: [UpdateCoding.float32, .lossless, .defaultStep, .stc(oneIn: 8)])
  func aFederationOverPerfectLinksIsFederatedAveragingBitForBit(in coding: UpdateCoding) throws {
    let experiment = try Experiment(boards: 3, rounds: 4, coding: coding)
    let federation = experiment.federation(seed: 1)
    #expect(federation.run(seconds: 60))
    #expect(try federation.ledger.parameters == experiment.expected(rounds: 4))
    let score = try evaluate(
      experiment.model, try #require(federation.ledger.parameters.last), on: experiment.test)
    #expect(score.accuracy > 0.9)
    // At the end every board holds the last model.
    for board in federation.boards {
      #expect(board.model == "\(federation.ledger.model.version.hash)")
    }
  }

  @Test func whateverHappensEveryRoundIsHeldAndEveryContributionCountsOnce() throws {
    var suffered = Sufferings()
    for seed in 1...40 as ClosedRange<UInt64> {
      let (what, violations) = try Schedule(seed: seed).run()
      #expect(violations.isEmpty, "seed \(seed)")
      suffered += what
    }
    print("suffered:", suffered)
    #expect(suffered.crashes > 20 && suffered.resets > 50 && suffered.unplugs > 50 && suffered.powerCuts > 20)
  }
}
