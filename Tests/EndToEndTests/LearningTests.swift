import Baselines
import Foundation
import GatewayService
import GatewayStore
import Rounds
import Testing

extension EndToEnd {
  /// The main job: boards learn together on real data.
  @Suite struct Learning {
    @Test func fourBoardsLearnDigitsAndLoseNoBitOnTheWay() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let rounds = 3
      let gateway = try bench.gateway([
        "--virtual-boards", "4", "--rounds", "\(rounds)", "--codec", "float32", "--summary",
        bench.summaryPath,
      ])
      #expect(try gateway.end(within: 120) == .exit(0))

      let experiment = try Experiment(dataset: "digits", boards: 4, division: .natural, seed: 1)
      let summary = try bench.summary()
      #expect(summary.dataset == "digits" && summary.boards == 4 && summary.seed == 1)
      #expect(summary.rounds.map(\.round) == Array(1...rounds))
      #expect(summary.rounds.allSatisfy { $0.contributions == 4 })
      // Every round moves the model of 2,410 floats to four boards and as much back.
      #expect(summary.rounds.allSatisfy { $0.bytesDown > 4 * 9640 && $0.bytesUp > 4 * 9640 })
      #expect(summary.rounds.allSatisfy { $0.seconds > 0 })
      let accuracies = summary.rounds.compactMap(\.accuracy)
      #expect(accuracies.count == rounds)
      #expect(try #require(accuracies.last) > 0.9)

      // The same learning in memory.
      let start = try evaluate(experiment.model, experiment.start, on: experiment.test)
      #expect(accuracies[0] > start.accuracy + 0.5)
      let parameters = try experiment.parametersInMemory(after: rounds)
      let store = try bench.store()
      #expect(try store.newestParameters(of: firstRun) == parameters.map(\.bitPattern))
      let score = try evaluate(experiment.model, parameters, on: experiment.test)
      #expect(summary.final.federated == score.accuracy)
      #expect(try #require(summary.final.centralised) > 0.9)
      #expect(try #require(summary.final.aloneMean) > 0.5)
      try store.expectEachOnce((1...4).map(virtualBoard), in: rounds, of: firstRun)
    }

    @Test func theSummaryHasTheFieldsThatScriptsRelyOn() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let gateway = try bench.gateway([
        "--virtual-boards", "2", "--rounds", "1", "--summary", bench.summaryPath,
      ])
      #expect(try gateway.end(within: 120) == .exit(0))
      let json = try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(fileURLWithPath: bench.summaryPath)))
      let summary = try #require(json as? [String: Any])
      #expect(Set(summary.keys).isSuperset(of: ["dataset", "boards", "seed", "rounds", "final"]))
      let round = try #require((summary["rounds"] as? [[String: Any]])?.first)
      #expect(
        Set(round.keys).isSuperset(of: [
          "round", "accuracy", "loss", "contributions", "bytes_down", "bytes_up", "bytes_again",
          "bytes_resumed",
          "seconds",
        ]))
      let final = try #require(summary["final"] as? [String: Any])
      #expect(Set(final.keys).isSuperset(of: ["federated", "centralised", "alone_mean"]))
      // People read the same at the end.
      try gateway.output.line(
        with: "on held-out examples: federated", "all data in one place", "each board alone")
    }

    @Test func anotherSeedIsAnotherRunAndTheSameSeedTheSame() throws {
      func result(seed: Int) throws -> [UInt32] {
        let bench = try Bench()
        defer { bench.clear() }
        let gateway = try bench.gateway([
          "--virtual-boards", "2", "--rounds", "1", "--codec", "lossless", "--seed", "\(seed)",
        ])
        #expect(try gateway.end(within: 120) == .exit(0))
        return try bench.store().newestParameters(of: firstRun)
      }
      let seven = try result(seed: 7)
      #expect(try result(seed: 7) == seven)
      #expect(try result(seed: 8) != seven)
    }

    @Test func boardsThatPreferSomeClassesLearnTogether() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let gateway = try bench.gateway([
        "--virtual-boards", "4", "--rounds", "3", "--division", "skew:0.3", "--codec", "lossless",
        "--summary",
        bench.summaryPath,
      ])
      #expect(try gateway.end(within: 120) == .exit(0))
      let summary = try bench.summary()
      #expect(summary.rounds.map(\.contributions) == [4, 4, 4])
      let federated = try #require(summary.final.federated)
      #expect(federated > (try #require(summary.final.aloneMean)))
      let experiment = try Experiment(dataset: "digits", boards: 4, division: .labelSkew(0.3), seed: 1)
      let parameters = try experiment.parametersInMemory(after: 3)
      #expect(try bench.store().newestParameters(of: firstRun) == parameters.map(\.bitPattern))
    }

    @Test func tenPeopleLearnExercisesTogether() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let gateway = try bench.gateway([
        "--virtual-boards", "10", "--dataset", "exercises", "--rounds", "3", "--summary", bench.summaryPath,
      ])
      #expect(try gateway.end(within: 150) == .exit(0))
      let summary = try bench.summary()
      #expect(summary.rounds.map(\.contributions) == [10, 10, 10])
      // One person's movements say little about another's.
      #expect(try #require(summary.final.federated) > (try #require(summary.final.aloneMean)) + 0.1)
      try bench.store().expectEachOnce((1...10).map(virtualBoard), in: 3, of: firstRun)
    }
  }
}
