import Datasets
import Foundation
import GatewayService
import GatewayStore
import Glibc
import LinkProtocol
import Rounds
import Synchronization
import Testing

extension EndToEnd {
  /// Boards that no gateway has started: they come and go as they like.
  @Suite struct StandAloneBoards {
    /// The examples of two boards.
    static let shards = Result {
      try Experiment(dataset: "digits", boards: 2, division: .iid, seed: 1).shards
    }

    /// Starts board number `number`, from 1.
    private func start(_ number: Int, on bench: Bench, id: String? = nil) throws -> RunningProgram {
      let data = try bench.write(Self.shards.get()[number - 1], as: "shard-\(number)")
      return try bench.board(
        link: "\(bench.directory)/port-\(number)", data: data, id: id ?? "a\(number)",
        state: "\(bench.directory)/flash-\(number)")
    }

    private func gateway(on bench: Bench, options: [String] = []) throws -> RunningProgram {
      try bench.gateway(
        ["--serial", bench.directory + "/port-1", "--serial", bench.directory + "/port-2"] + options)
    }

    private func contribution(_ number: Int) -> String {
      "(00000000000000a\(number)): contribution to round "
    }

    @Test func boardsComeBeforeTheGatewayAndAfterItAndGoAndComeBack() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let first = try start(1, on: bench)
      try eventually("the board made its port") {
        FileManager.default.fileExists(atPath: bench.directory + "/port-1")
      }
      let gateway = try gateway(on: bench)
      try gateway.log.line(with: contribution(1), "stored", within: 60)
      // Nothing is at the other port yet, and that is said.
      try gateway.log.line(with: "there is no device at \(bench.directory)/port-2", "plug the board in")
      let second = try start(2, on: bench)
      try gateway.log.line(with: "port-2: can be opened now")
      let (_, together) = try gateway.log.line(with: contribution(2), "stored", within: 60)
      try gateway.log.line(with: " done: 2 contributions", from: together, within: 60)

      // A power cut, and the board again with the same flash.
      second.send(SIGKILL)
      let (_, gone) = try gateway.log.line(with: "port-2: link closed", from: together)
      let (_, alone) = try gateway.log.line(with: " done: 1 contributions", from: gone, within: 60)
      let again = try start(2, on: bench)
      let (joined, _) = try gateway.log.line(with: "(00000000000000a2) joined on port-2", from: alone)
      #expect(joined.message.contains("holds model ") && !joined.message.contains("holds no model"))
      try gateway.log.line(with: contribution(2), "stored", from: alone, within: 60)

      // Boards outlive the gateway and know it again.
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
      #expect(first.isRunning && again.isRunning)
      let next = try self.gateway(on: bench)
      try next.log.line(with: "going on with run 1")
      try next.log.line(with: contribution(1), "stored", within: 60)
      try next.log.line(with: contribution(2), "stored", within: 60)
      next.send(SIGTERM)
      #expect(try next.end(within: 5) == .exit(0))
      // Nothing else was ever wrong with the first board.
      #expect(
        gateway.log.lines(with: "port-1: link closed").allSatisfy { $0.message.contains("gateway stops") })
      for board in [first, again] {
        board.send(SIGTERM)
        #expect(try board.end(within: 5) == .exit(0))
      }
      #expect(!FileManager.default.fileExists(atPath: bench.directory + "/port-1"))
    }

    @Test(arguments: Moment.spread(4))
    func anUpdateOutlivesAKilledGatewayAndCountsOnce(_ moment: Moment) throws {
      let bench = try Bench()
      defer { bench.clear() }
      let boards = [try start(1, on: bench), try start(2, on: bench)]
      let gateway = try gateway(on: bench)
      let (begins, _) = try gateway.log.line(with: "round 2 begins", within: 60)
      let rest = begins.time + .milliseconds(60) * moment.fraction - .now
      if rest > .zero { usleep(useconds_t(rest / .microseconds(1))) }
      gateway.send(SIGKILL)
      #expect(try gateway.end(within: 5) == .signal(SIGKILL))
      let state = try bench.store().recoveredState(of: firstRun)
      let next = try self.gateway(on: bench)
      // Nobody waits for anything to run out.
      try next.log.line(with: "round \(state.round) done", within: 15)
      try next.log.line(with: " done: 2 contributions", within: 15)
      next.send(SIGTERM)
      #expect(try next.end(within: 5) == .exit(0))
      #expect(boards.allSatisfy { $0.isRunning })
      let store = try bench.store()
      for round in try store.rounds(of: firstRun) {
        let counted = try store.contributions(to: round.number, of: firstRun).filter { $0.status == .counted }
        #expect(Set(counted.map(\.contribution.board)).count == counted.count)
        #expect(counted.allSatisfy { $0.times == 1 })
      }
    }

    @Test func anUpdateThatIsOfferedBeforeTheGatewayKnowsTheBoardIsTaken() throws {
      let bench = try Bench()
      defer { bench.clear() }
      // Trains, but offers what it learnt only when the next gateway greets it: at once.
      let held = Mutex<(update: [UInt8], round: UInt32)?>(nil)
      let peer = try ScriptedPeer(id: 0xbee) { stage, event, now in
        stage.takeModel(event, now)
        switch event {
        case .message(.train(let task)):
          let delta = [Float](repeating: 0.001, count: stage.parameterCount(of: task.model))
          held.withLock { $0 = (updateBytes(task, delta: delta), task.round) }
        case .opened:
          if let held = held.withLock({ $0 }) { stage.offer(update: held.update, round: held.round, now) }
        default:
          break
        }
      }
      defer { peer.end() }
      let options = ["--serial", peer.path]
      let gateway = try bench.gateway(options)
      try gateway.log.line(with: "round 1 begins")
      try eventually("the board has trained") { held.withLock { $0 != nil } }
      gateway.send(SIGKILL)
      _ = try gateway.end(within: 5)
      let next = try bench.gateway(options)
      try next.log.line(with: "contribution to round 1 stored", within: 5)
      try next.log.line(with: "round 1 done: 1 contributions", within: 5)
    }

    @Test func ofTwoBoardsWithOneIdentityTheFirstGoesOn() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let first = try start(1, on: bench, id: "a1")
      let gateway = try gateway(on: bench)
      let (_, before) = try gateway.log.line(with: contribution(1), "stored", within: 60)
      let copy = try start(2, on: bench, id: "a1")
      let (conflict, index) = try gateway.log.line(
        with: "port-2: claims to be board ", "(00000000000000a1), which is alive on port-1", "unplug it",
        from: before, within: 30)
      #expect(conflict.level == "error" && conflict["code"] == "link-identity-taken")
      let (_, round) = try gateway.log.line(with: " done: 1 contributions", from: index)
      try gateway.log.line(with: " done: 1 contributions", from: round + 1)
      // The copy takes over when the first one is gone.
      first.send(SIGKILL)
      let (_, closed) = try gateway.log.line(with: "port-1: link closed", from: round)
      try gateway.log.line(
        with: "(00000000000000a1) is back, on port-2 (was port-1)", from: closed, within: 10)
      try gateway.log.line(with: contribution(1), "stored", from: closed)
      #expect(copy.isRunning)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
    }

    @Test func aBoardThatTakesAPortsNameOverKeepsItWhenTheOtherEnds() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let port = bench.directory + "/port-1"
      let first = try start(1, on: bench)
      var target = ""
      try eventually("the first board made its port") {
        target = (try? FileManager.default.destinationOfSymbolicLink(atPath: port)) ?? ""
        return !target.isEmpty
      }
      let second = try bench.board(
        link: port, data: bench.directory + "/shard-1.fbds", id: "a2", state: bench.directory + "/flash-2")
      try eventually("the second board took it over") {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: port)) ?? target != target
      }
      first.send(SIGTERM)
      #expect(try first.end(within: 5) == .exit(0))
      let gateway = try gateway(on: bench)
      try gateway.log.line(with: "(00000000000000a2) joined on port-1")
      #expect(second.isRunning)
    }

    @Test func aBoardWithAnUnusableOptionSaysWhatIsWrong() throws {
      let bench = try Bench()
      defer { bench.clear() }
      func complaint(_ options: [String]) throws -> String {
        let board = try bench.start(Programs.board, options)
        let ending = try board.end(within: 10)
        #expect(ending != .exit(0) && ending != .signal(SIGILL) && ending != .signal(SIGTRAP))
        try eventually("it said why") { board.log.count > 0 }
        return board.log.tail
      }
      let data = try bench.write(Self.shards.get()[0], as: "shard")
      let path = bench.directory
      let good = ["--link", "\(path)/port", "--data", data, "--state", "\(path)/flash"]
      #expect(
        try complaint(["--link", "\(path)/port", "--data", "\(path)/none", "--state", "\(path)/flash"])
          .contains("\(path)/none: cannot be read: No such file or directory; check the path"))
      try Data("not a flash".utf8).write(to: URL(fileURLWithPath: "\(path)/text"))
      #expect(
        try complaint(["--link", "\(path)/port", "--data", data, "--state", "\(path)/text"])
          .contains("has 11 bytes and not 655360"))
      #expect(
        try complaint(["--link", "\(path)/text", "--data", data, "--state", "\(path)/flash"])
          .contains("\(path)/text is neither a terminal nor a socket"))
      try FileManager.default.createSymbolicLink(
        atPath: "\(path)/link", withDestinationPath: "\(path)/text")
      #expect(
        try complaint(["--link", "\(path)/link", "--data", data, "--state", "\(path)/flash"])
          .contains("\(path)/link is neither a terminal nor a socket"))
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/link") == "\(path)/text")
      #expect(
        try complaint(["--link", "\(path)/no/port", "--data", data, "--state", "\(path)/flash"])
          .contains("is its directory there and writable?"))
      #expect(try complaint(good + ["--id", "xyz"]).contains("not a hexadecimal number"))
      #expect(try complaint(good + ["--arena", "3"]).contains("--arena must be"))
    }
  }
}
