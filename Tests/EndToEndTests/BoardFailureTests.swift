import Datasets
import Foundation
import GatewayService
import GatewayStore
import Glibc
import PropertyTesting
import Rounds
import Testing

extension EndToEnd {
  /// A board that dies harms nobody and takes part again.
  @Suite struct BoardFailures {
    /// What the board is doing when it is killed.
    enum Work: String, CaseIterable, CustomTestStringConvertible {
      case receiving
      case training

      var testDescription: String { "while \(rawValue)" }

      /// Lines of which the first means that the board does it, and the one that says that it is done. Who comes late to
      /// a round may not be asked about its model any more, and is heard of by its training only.
      func lines(_ round: Int, _ board: BoardID) -> (after: [String], before: [String]) {
        switch self {
        case .receiving: (["round \(round) begins"], ["(\(board)): model ↓", "100 %"])
        case .training:
          (
            ["(\(board)): model \(round - 1) is right on", "(\(board)): training for round \(round)"],
            ["(\(board)): update ↑", "100 %"]
          )
        }
      }
    }

    static let rounds = 4
    static let victim = 2
    /// What the run of `wideDataset` comes to if nothing disturbs it.
    static let result = Result {
      let bench = try Bench()
      defer { bench.clear() }
      let data = try bench.write(wideDataset(boards: 3), as: "wide")
      return try Experiment(dataset: data, boards: 3, division: .natural, seed: 1)
        .parametersInMemory(after: rounds).map(\.bitPattern)
    }
    static let boards = (1...3).map(virtualBoard)

    @Test(arguments: Work.allCases)
    func aBoardThatIsKilledIsStartedAgainAndCountsInTheSameRound(_ work: Work) throws {
      let bench = try Bench()
      defer { bench.clear() }
      let data = try bench.write(wideDataset(boards: 3), as: "wide")
      let gateway = try bench.gateway([
        "--virtual-boards", "3", "--dataset", data, "--rounds", "\(Self.rounds)", "--codec", "float32",
      ])
      let id = virtualBoard(Self.victim)
      // The moment is hit when the line that ends the work does not come before the board is gone.
      var hit = false
      var round = 2
      while !hit && round < Self.rounds {
        let (after, before) = work.lines(round, id)
        let (_, start) = try gateway.log.first(within: 60, "with \(after)") { line in
          after.contains { line.message.contains($0) }
        }
        let processes = ProcessEntry.children(of: gateway.pid)
        let process = try #require(
          processes.first { $0.arguments.contains { $0.hasSuffix("/board-\(Self.victim)") } })
        kill(process.pid, SIGKILL)
        let (_, end) = try gateway.log.line(with: "board-\(Self.victim): link closed", from: start)
        hit = !gateway.log.all[start..<end].contains { line in
          before.allSatisfy { line.message.contains($0) }
        }
        try gateway.log.line(with: "virtual board \(Self.victim) ended with status 9", from: start)
        let (joined, _) = try gateway.log.line(with: "(\(id)) joined on board-\(Self.victim)", from: end)
        #expect(joined.message.contains("holds model"))
        try gateway.log.line(with: "round \(round) done: 3 contributions", from: start, within: 60)
        // The others are the same processes still.
        let now = ProcessEntry.children(of: gateway.pid)
        #expect(Set(now).isSuperset(of: processes.filter { $0 != process }))
        round += 1
      }
      #expect(hit, "the board was never killed in time")
      #expect(try gateway.end(within: 120) == .exit(0))
      for other in [1, 3] {
        #expect(
          gateway.log.lines(with: "board-\(other): link closed").allSatisfy {
            $0.message.contains("the gateway stops")
          })
      }
      let store = try bench.store()
      try store.expectEachOnce(Self.boards, in: Self.rounds, of: firstRun)
      #expect(try store.newestParameters(of: firstRun) == Self.result.get())
    }

    @Test func aBoardThatHangsIsGivenUpAndComesBack() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let gateway = try bench.gateway([
        "--virtual-boards", "3", "--rounds", "100000", "--round-deadline", "2",
      ])
      try gateway.log.line(with: "round 1 done: 3 contributions", within: 60)
      let process = try #require(
        ProcessEntry.children(of: gateway.pid).first {
          $0.arguments.contains { $0.hasSuffix("/board-\(Self.victim)") }
        })
      kill(process.pid, SIGSTOP)
      let (_, stopped) = try gateway.log.line(with: " done: 2 contributions", within: 30)
      try gateway.log.line(with: "(\(virtualBoard(Self.victim))) on board-2 fell silent", within: 30)
      kill(process.pid, SIGCONT)
      let (_, back) = try gateway.log.line(
        with: "(\(virtualBoard(Self.victim))) joined on board-2", from: stopped, within: 30)
      try gateway.log.line(with: " done: 3 contributions", from: back, within: 30)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
    }

    @Test func aBoardWhoseFlashIsDamagedBeginsWithoutAModelAndLearns() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let command = ["--virtual-boards", "2"]
      #expect(try bench.gateway(command + ["--rounds", "1"]).end(within: 120) == .exit(0))
      let flash = bench.stateDirectory + "/virtual-boards/board-1.flash"
      let size = try #require(FileManager.default.contents(atPath: flash)?.count)
      var generator = SeededGenerator(seed: 3)
      let noise = Data((0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) })
      try noise.write(to: URL(fileURLWithPath: flash))
      let gateway = try bench.gateway(command + ["--rounds", "3"])
      #expect(try gateway.end(within: 120) == .exit(0))
      let joined = gateway.log.lines(with: "(\(virtualBoard(1))) joined")
      #expect(joined.count == 1 && joined.allSatisfy { $0.message.contains("holds no model") })
      #expect(
        gateway.log.lines(with: "(\(virtualBoard(2))) joined").allSatisfy {
          !$0.message.contains("holds no model")
        })
      try bench.store().expectEachOnce((1...2).map(virtualBoard), in: 3, of: firstRun)
    }
  }
}
