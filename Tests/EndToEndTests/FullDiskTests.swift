import Foundation
import GatewayService
import GatewayStore
import Glibc
import Rounds
import Testing

extension EndToEnd {
  /// A disk without room: boards keep their updates, and everything goes on when there is room.
  @Suite struct FullDisk {
    static let command = ["--virtual-boards", "2", "--rounds", "100000"]
    static let boards = (1...2).map(virtualBoard)

    /// Waits for a failure, makes room, and expects that rounds are held again and nothing is lost.
    private func expectRecovery(
      _ bench: Bench, _ gateway: RunningProgram, failure words: String, makeRoom: () throws -> Void
    ) throws {
      let (line, index) = try gateway.log.line(with: "the gateway's state: ", words, within: 60)
      #expect(line.level == "error")
      // Whatever failed, the gateway is there and its boards are.
      let held = gateway.log.lines(with: " done: 2 contributions").count
      try makeRoom()
      let (_, done) = try gateway.log.line(with: " done: 2 contributions", from: index, within: 90)
      try gateway.log.line(with: " done: 2 contributions", from: done + 1, within: 60)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
      #expect(held > 0)
    }

    private func expectLedger(_ store: GatewayStore) throws {
      let finished = try store.rounds(of: firstRun).filter { $0.result != nil }
      try store.expectEachOnce(Self.boards, in: finished.count, of: firstRun)
    }

    @Test func aLimitOnFilesThatIsReachedAndRaisedLosesNothing() throws {
      let bench = try Bench()
      defer { bench.clear() }
      // Ignored, so that a write beyond the limit is an error, as on a full disk, and not the end.
      let gateway = try bench.gateway(
        Self.command, wrapper: ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
      try gateway.log.line(with: "round 2 done: 2 contributions", within: 60)
      try limitFiles(of: gateway.pid, to: 400_000)
      try expectRecovery(bench, gateway, failure: "the disk failed") {
        try limitFiles(of: gateway.pid, to: nil)
      }
      try expectLedger(bench.store())
    }

    @Test func aBoardThatJoinsWhileNothingCanBeWrittenTakesPartLater() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let port = bench.directory + "/port"
      let gateway = try bench.gateway(
        Self.command + ["--serial", port], wrapper: ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
      try gateway.log.line(with: "round 2 done: 2 contributions", within: 60)
      try limitFiles(of: gateway.pid, to: 4096)
      let experiment = try Experiment(dataset: "digits", boards: 2, division: .iid, seed: 1)
      let board = try bench.board(
        link: port, data: bench.write(experiment.shards[0], as: "shard"), id: "abc",
        state: bench.directory + "/flash")
      let (_, index) = try gateway.log.line(with: "port: link closed, its arrival could not be noted")
      try limitFiles(of: gateway.pid, to: nil)
      try gateway.log.line(with: "(0000000000000abc) joined on port", from: index, within: 40)
      try gateway.log.line(with: "(0000000000000abc): contribution", "stored", from: index)
      try gateway.log.line(with: " done: 3 contributions", from: index, within: 40)
      #expect(board.isRunning)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
    }

    /// Sets the most bytes that a process may make a file long; nil for any number.
    private func limitFiles(of pid: pid_t, to bytes: Int?) throws {
      let words = ["--pid", "\(pid)", "--fsize=\(bytes.map(String.init) ?? "unlimited"):"]
      let program = try RunningProgram("prlimit", words)
      guard try program.end(within: 10) == .exit(0) else { throw Failure(program.log.tail) }
    }

    @Test(.enabled(if: SmallDisk.canBeMounted, "needs a mount namespace of its own"))
    func aFullDiskIsNamedAndLosesNothing() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let gateway = try bench.gateway(
        Self.command, wrapper: SmallDisk.wrapper(at: bench.stateDirectory, size: "8m"))
      try gateway.log.line(with: "round 2 done: 2 contributions", within: 60)
      // The disk of another mount namespace, seen through the process.
      let ballast = "/proc/\(gateway.pid)/root\(bench.stateDirectory)/ballast"
      let file = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      #expect(file >= 0)
      let block = [UInt8](repeating: 0x5a, count: 4096)
      while write(file, block, block.count) > 0 {}
      close(file)
      try expectRecovery(bench, gateway, failure: "no room left on the disk") { unlink(ballast) }
    }

    @Test(.enabled(if: SmallDisk.canBeMounted, "needs a mount namespace of its own"))
    func aDiskTooSmallForTheStateIsNamed() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let wrapper = SmallDisk.wrapper(at: bench.stateDirectory, size: "64k")
      let gateway = try bench.gateway(["--virtual-boards", "2", "--rounds", "1"], wrapper: wrapper)
      #expect(try gateway.end(within: 30) == .exit(1))
      let line = try gateway.log.first(within: 5, "of level error") { $0.level == "error" }.line
      #expect(line.message.contains("no room left on the disk") && line.message.contains("make room"))
    }

    @Test(.enabled(if: SmallDisk.canBeMounted, "needs a mount namespace of its own"))
    func boardsThatFindNoRoomAtTheStartAreStartedWhenThereIsSome() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let state = bench.stateDirectory
      let wrapper = SmallDisk.wrapper(
        at: state, size: "3m", prepare: "head -c 2600000 /dev/zero > \(state)/ballast")
      let gateway = try bench.gateway(["--virtual-boards", "2", "--rounds", "1"], wrapper: wrapper)
      let (line, _) = try gateway.log.line(with: "virtual board ", "says:", "no room for 655360 bytes")
      #expect(line.level == "warning")
      unlink("/proc/\(gateway.pid)/root\(state)/ballast")
      #expect(try gateway.end(within: 60) == .exit(0))
      #expect(gateway.log.lines(with: "round 1 done: 2 contributions").count == 1)
      // What boards say is a line of the log as any other.
      #expect(gateway.log.all.allSatisfy { $0.level != nil })
    }
  }
}

/// A disk of a few pages that only one program sees.
enum SmallDisk {
  /// Words in front of a command that give it such a disk at `path`.
  ///
  /// - Parameter prepare: a command that is run before.
  static func wrapper(at path: String, size: String, prepare: String = "true") -> [String] {
    let script = """
      mkdir -p \(path) && mount -t tmpfs -o size=\(size) none \(path) && \(prepare) && exec "$0" "$@"
      """
    return ["unshare", "--mount", "--map-root-user", "sh", "-c", script]
  }

  static let canBeMounted: Bool = {
    let words = wrapper(at: "/tmp/fedbridge-e2e-disk", size: "1m")
    defer { rmdir("/tmp/fedbridge-e2e-disk") }
    guard let program = try? RunningProgram(words[0], words.dropFirst() + ["true"]) else { return false }
    return (try? program.end(within: 10)) == .exit(0)
  }()
}
