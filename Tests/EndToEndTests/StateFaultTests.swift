import Datasets
import Foundation
import GRDB
import GatewayService
import GatewayStore
import Glibc
import Rounds
import Testing

extension EndToEnd {
  /// What is wrong with state and options is said before anything is done.
  @Suite struct StateFaults {
    private static let command = ["--virtual-boards", "2", "--rounds", "1"]

    /// A bench with one round held.
    private func prepared() throws -> Bench {
      let bench = try Bench()
      let ending = try bench.gateway(Self.command).end(within: 120)
      guard ending == .exit(0) else {
        bench.clear()
        throw Failure("the first run ended with \(ending)")
      }
      return bench
    }

    /// Runs a command that has to fail, and returns the line that says why.
    private func complaint(
      _ bench: Bench, _ command: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> LogLine {
      let gateway = try bench.gateway(command)
      #expect(try gateway.end(within: 30) == .exit(1), sourceLocation: sourceLocation)
      return try gateway.log.first(within: 5, "of level error") { $0.level == "error" }.line
    }

    private func database(of bench: Bench) -> String { bench.stateDirectory + "/fedbridge.sqlite" }

    @Test func aStateOfANewerVersionIsLeftAlone() throws {
      let bench = try prepared()
      defer { bench.clear() }
      let queue = try DatabaseQueue(path: database(of: bench))
      try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 99") }
      try queue.close()
      let before = FileManager.default.contents(atPath: database(of: bench))
      let line = try complaint(bench, Self.command)
      #expect(
        line.message.contains("the state has version 99") && line.message.contains("[store-newer-version]"))
      #expect(FileManager.default.contents(atPath: database(of: bench)) == before)
    }

    @Test func aDamagedStateIsLeftAlone() throws {
      let bench = try prepared()
      defer { bench.clear() }
      var bytes = try #require(FileManager.default.contents(atPath: database(of: bench)))
      for i in 100..<bytes.count { bytes[i] ^= 0x5a }
      try bytes.write(to: URL(fileURLWithPath: database(of: bench)))
      let line = try complaint(bench, Self.command)
      #expect(line.message.contains("[store-damaged]") && line.message.contains("restore"))
      #expect(FileManager.default.contents(atPath: database(of: bench)) == bytes)
    }

    @Test func aSecondGatewayNamesTheFirst() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let first = try bench.gateway(["--virtual-boards", "2", "--rounds", "100000"])
      let (_, index) = try first.log.line(with: "round 1 done", within: 60)
      let line = try complaint(bench, ["--virtual-boards", "2", "--rounds", "100000"])
      #expect(line.message.contains("the gateway with pid \(first.pid) uses the state"))
      #expect(line.message.contains("[store-locked]"))
      try first.log.line(with: " done: 2 contributions", from: index + 1, within: 60)
      first.send(SIGTERM)
      #expect(try first.end(within: 5) == .exit(0))
    }

    @Test func otherOptionsAreRefusedUnlessANewRunIsAskedFor() throws {
      let bench = try prepared()
      defer { bench.clear() }
      let others = ["--virtual-boards", "3", "--rounds", "1", "--seed", "5"]
      let line = try complaint(bench, others)
      for part in ["seed: 1 → 5", "virtual boards: 2 → 3", "--new-run", "[store-different-run]"] {
        #expect(line.message.contains(part))
      }
      #expect(try bench.store().runs().count == 1)

      let gateway = try bench.gateway(others + ["--new-run"])
      #expect(try gateway.end(within: 120) == .exit(0))
      #expect(gateway.log.lines(with: "new run 2").count == 1)
      let store = try bench.store()
      #expect(try store.runs().map(\.id.rawValue) == [1, 2])
      try store.expectEachOnce((1...3).map(virtualBoard), in: 1, of: RunID(rawValue: 2))
      try store.expectEachOnce((1...2).map(virtualBoard), in: 1, of: firstRun)
      // The new run is the one that goes on.
      let again = try bench.gateway(others)
      #expect(try again.end(within: 120) == .exit(0))
      #expect(again.log.lines(with: "going on with run 2").count == 1)
    }

    @Test func aDamagedDatasetIsNamedAndNothingIsBegun() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let path = try bench.write(Dataset.named("digits"), as: "mine")
      var bytes = try #require(FileManager.default.contents(atPath: path))
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: URL(fileURLWithPath: path))
      let line = try complaint(bench, Self.command + ["--dataset", path])
      #expect(line.message.contains(path) && line.message.contains("[dataset-damaged]"))
      #expect(!FileManager.default.fileExists(atPath: bench.stateDirectory))

      try bytes.prefix(1000).write(to: URL(fileURLWithPath: path))
      #expect(try complaint(bench, Self.command + ["--dataset", path]).message.contains("[dataset-damaged]"))
      try Data("GIF89a".utf8).write(to: URL(fileURLWithPath: path))
      #expect(
        try complaint(bench, Self.command + ["--dataset", path]).message.contains("[dataset-not-a-dataset]"))
      let missing = try complaint(bench, Self.command + ["--dataset", "/nowhere/x.fbds"])
      #expect(missing.message.contains("/nowhere/x.fbds: cannot be read: No such file or directory"))
      #expect(
        try complaint(bench, Self.command + ["--dataset", "digit"]).message.contains("[dataset-not-found]"))
    }

    @Test func aStateDirectoryThatCannotBeIsNamed() throws {
      let bench = try Bench()
      defer { bench.clear() }
      try Data().write(to: URL(fileURLWithPath: bench.stateDirectory))
      let line = try complaint(bench, Self.command)
      #expect(line.message.contains(bench.stateDirectory) && line.message.contains("[store-not-writable]"))
    }

    @Test func wrongUseIsToldFromFailure() throws {
      let bench = try Bench()
      defer { bench.clear() }
      for options in [
        ["--rounds", "0"], ["--virtual-boards", "-1"], ["--division", "skew:-1"], ["--division", "odd"],
        ["--round-deadline", "0"], ["--no-such-option"], ["--rounds", "many"], ["--round-deadline", "nan"],
        ["--division", "skew:nan"], ["--division", "skew:inf"], ["--virtual-boards", "1001"],
      ] {
        let gateway = try bench.gateway(options)
        #expect(try gateway.end(within: 10) == .exit(64), "\(options)")
      }
      #expect(!FileManager.default.fileExists(atPath: bench.stateDirectory))
    }
  }
}
