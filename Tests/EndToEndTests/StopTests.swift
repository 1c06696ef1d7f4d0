import Foundation
import GatewayService
import GatewayStore
import Glibc
import PropertyTesting
import Rounds
import Testing

/// A moment within a round, drawn by a seed that the test's name shows.
struct Moment: CustomTestStringConvertible {
  let seed: UInt64
  /// 0 is the beginning of the round, 1 its end.
  let fraction: Double

  var testDescription: String { "at \(fraction) of a round (seed \(seed))" }

  /// One moment in each of `count` equal parts of a round.
  static func spread(_ count: Int) -> [Moment] {
    let named = ProcessInfo.processInfo.environment["FEDBRIDGE_TEST_SEED"].flatMap { UInt64($0) }
    let seed = named ?? UInt64.random(in: 0...999_999)
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { part in
      Moment(seed: seed, fraction: (Double(part) + .random(in: 0..<1, using: &generator)) / Double(count))
    }
  }
}

extension EndToEnd {
  /// Killed or told to stop, the gateway goes on where it was.
  @Suite struct Stopping {
    static let rounds = 4
    /// Of a coding that keeps every bit: the automatic choice depends on how fast the machine is just now.
    static let command = ["--virtual-boards", "4", "--rounds", "\(rounds)", "--codec", "lossless"]
    static let boards = (1...4).map(virtualBoard)

    /// What the run comes to if nothing disturbs it.
    static let result = Result {
      try Experiment(dataset: "digits", boards: 4, division: .natural, seed: 1)
        .parametersInMemory(after: rounds).map(\.bitPattern)
    }

    /// Waits until the given part of round 2 has passed, as long as round 1 was.
    private func wait(for moment: Moment, of gateway: RunningProgram) throws {
      let first = try gateway.log.line(with: "round 1 begins", within: 60)
      let second = try gateway.log.line(with: "round 2 begins", from: first.index, within: 60)
      let length = second.line.time - first.line.time
      let rest = second.line.time + length * moment.fraction - .now
      if rest > .zero { usleep(useconds_t(rest / .microseconds(1))) }
    }

    /// Runs the command to its end and expects that it goes on from `state`, and what comes out.
    private func expectRest(of bench: Bench, from state: RecoveredState) throws {
      let gateway = try bench.gateway(Self.command)
      #expect(try gateway.end(within: 120) == .exit(0))
      #expect(gateway.log.lines(with: "going on with run 1").count == 1)
      if state.round.rawValue <= Self.rounds {
        let (begins, _) = try gateway.log.line(with: "round ", " begins from model ")
        #expect(begins.message.hasPrefix("round \(state.round) begins from model \(state.base) "))
        // Boards that are back offer what they keep at once, so there may be more by then.
        let words = begins.message.split(separator: " ")
        let isIn = words.firstIndex(of: "contributions").flatMap { Int(words[$0 - 1]) } ?? 0
        #expect(isIn >= state.contributions.count, "\(begins.message)")
      }
      let store = try bench.store()
      #expect(try store.runs().count == 1)
      try store.expectEachOnce(Self.boards, in: Self.rounds, of: firstRun, log: gateway.log)
      #expect(try store.newestParameters(of: firstRun) == Self.result.get())
    }

    @Test(arguments: Moment.spread(6))
    func aKilledGatewayGoesOnInTheSameRound(_ moment: Moment) throws {
      let bench = try Bench()
      defer { bench.clear() }
      let gateway = try bench.gateway(Self.command)
      try wait(for: moment, of: gateway)
      let boards = ProcessEntry.children(of: gateway.pid)
      gateway.send(SIGKILL)
      #expect(try gateway.end(within: 5) == .signal(SIGKILL))
      #expect(boards.count == 4)
      try eventually("no virtual board survives its gateway") { boards.allSatisfy { !$0.isAlive } }
      try expectRest(of: bench, from: bench.store().recoveredState(of: firstRun))
    }

    @Test func aGatewayKilledOverAndOverComesToTheSameEnd() throws {
      let bench = try Bench()
      defer { bench.clear() }
      for moment in Moment.spread(4) {
        let gateway = try bench.gateway(Self.command)
        let (begins, _) = try gateway.log.first(within: 60, "that opens a round or ends") {
          $0.message.contains(" begins from model ") || $0.message.contains("all rounds are held")
        }
        let rest = begins.time + .milliseconds(80) * moment.fraction - .now
        if rest > .zero { usleep(useconds_t(rest / .microseconds(1))) }
        gateway.send(SIGKILL)
        _ = try gateway.end(within: 5)
      }
      try expectRest(of: bench, from: bench.store().recoveredState(of: firstRun))
    }

    @Test(arguments: Moment.spread(2))
    func aGatewayToldToStopLeavesWithinFiveSecondsAndLosesNothing(_ moment: Moment) throws {
      let bench = try Bench()
      defer { bench.clear() }
      let gateway = try bench.gateway(Self.command)
      try wait(for: moment, of: gateway)
      let boards = ProcessEntry.children(of: gateway.pid)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
      #expect(gateway.log.lines(with: "stopped; the same command goes on from here").count == 1)
      try eventually("no virtual board survives its gateway") { boards.allSatisfy { !$0.isAlive } }
      // What was said to be stored is stored.
      let state = try bench.store().recoveredState(of: firstRun)
      let stored = gateway.log.lines(with: "contribution to round \(state.round) stored")
      #expect(state.contributions.count >= stored.count)
      try expectRest(of: bench, from: state)
    }

    @Test func aGatewayThatWaitsForBoardsStopsToo() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let gateway = try bench.gateway(["--serial", bench.directory + "/nothing"])
      try gateway.log.line(with: "waiting for boards")
      gateway.send(SIGINT)
      #expect(try gateway.end(within: 5) == .exit(0))
    }

    @Test func aGatewayThatComparesAtTheEndStopsToo() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let gateway = try bench.gateway([
        "--virtual-boards", "2", "--rounds", "10", "--summary", bench.summaryPath,
      ])
      try gateway.log.line(with: "comparing with the same budget", within: 120)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
      try gateway.log.line(with: "told to stop: the comparison is left out")
      let summary = try bench.summary()
      #expect(summary.rounds.count == 10 && summary.final.federated != nil)
      #expect(summary.final.centralised == nil)
    }

    @Test func aRunThatIsOverIsOverAtOnceTheNextTime() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let command = ["--virtual-boards", "2", "--rounds", "1", "--summary", bench.summaryPath]
      #expect(try bench.gateway(command).end(within: 120) == .exit(0))
      let once = try bench.summary()
      #expect(try bench.gateway(command).end(within: 120) == .exit(0))
      #expect(try bench.summary() == once)
    }
  }
}
