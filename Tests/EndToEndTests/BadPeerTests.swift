import Foundation
import GatewayStore
import Glibc
import LinkProtocol
import PropertyTesting
import Rounds
import Synchronization
import Testing

extension EndToEnd {
  /// Whatever is on a port, the other boards learn on.
  @Suite struct BadPeers {
    static let good = [virtualBoard(1), virtualBoard(2)]
    static let bad = BoardID(0xbad)

    /// Expects that every finished round has the two good boards and no others.
    private func expectOnlyGood(_ bench: Bench) throws {
      let store = try bench.store()
      let finished = try store.rounds(of: firstRun).filter { $0.result != nil }
      #expect(finished.count >= 2)
      try store.expectEachOnce(Self.good, in: finished.count, of: firstRun)
    }

    @Test(arguments: Mischief.allCases)
    func aPeerThatMisbehavesIsNamedAndHarmsNobody(_ mischief: Mischief) throws {
      let bench = try Bench()
      defer { bench.clear() }
      let peer = try ScriptedPeer(id: Self.bad.rawValue, window: 1024) { mischief.act(on: &$0, $1, $2) }
      defer { peer.end() }
      let gateway = try bench.gateway([
        "--virtual-boards", "2", "--serial", peer.path, "--rounds", "1000", "--round-deadline", "1",
      ])
      let (_, joined) = try gateway.log.line(with: "board", "(\(Self.bad)) joined", within: 60)
      let (line, _) = try gateway.log.first(from: joined, within: 30, "with \(mischief.line)") { line in
        mischief.line.allSatisfy { line.message.contains($0) }
      }
      #expect(["warning", "error"].contains(line.level))
      // Rounds go on after that.
      let (_, end) = try gateway.log.line(with: " done: 2 contributions", from: joined, within: 60)
      try gateway.log.line(with: " done: 2 contributions", from: end + 1, within: 60)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
      #expect(gateway.log.lines(with: "(\(Self.bad)): contribution").isEmpty)
      try expectOnlyGood(bench)
    }

    @Test func aBoardWhoseFramesAreCutShortNowAndThenStillTakesPart() throws {
      let bench = try Bench()
      defer { bench.clear() }
      // Every fifth frame loses its last bytes and runs into the next one.
      let cut: ScriptedPeer.Mangling = { bytes, number in
        if number % 5 == 4 { bytes.removeLast(min(bytes.count, 6)) }
      }
      let script: ScriptedPeer.Script = { stage, event, now in
        stage.takeModel(event, now)
        if case .message(.train(let task)) = event {
          let delta = [Float](repeating: 0, count: stage.parameterCount(of: task.model))
          stage.offer(update: updateBytes(task, delta: delta), round: task.round, now)
        }
      }
      let peer = try ScriptedPeer(id: 0xcafe, script: script, mangling: cut)
      defer { peer.end() }
      let gateway = try bench.gateway([
        "--virtual-boards", "2", "--serial", peer.path, "--rounds", "1000",
      ])
      try gateway.log.line(with: "(000000000000cafe): contribution to round ", "stored", within: 60)
      let (_, index) = try gateway.log.line(with: " done: 3 contributions", within: 60)
      try gateway.log.line(with: " done: 3 contributions", from: index + 1, within: 60)
      try gateway.log.line(with: peer.port, "damaged frame")
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
    }

    @Test func portsWithoutABoardOfOursAreNamedAndHarmNobody() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let silent = try PseudoTerminal()
      let flooding = try PseudoTerminal()
      let isOver = Mutex(false)
      let flood = flooding.flood(seed: 42) { isOver.withLock { $0 } }
      defer {
        isOver.withLock { $0 = true }
        flood.wait()
      }
      // Every frame it sends is cut in the middle.
      let cutting = try ScriptedPeer(
        id: 0xc07, mangling: { bytes, _ in bytes = bytes.prefix(bytes.count / 2) + [0] })
      defer { cutting.end() }
      let other = try ScriptedPeer(id: 0x999, refusesVersion: true)
      defer { other.end() }
      let ports = [silent.path, flooding.path, cutting.path, other.path]
      let gateway = try bench.gateway(
        ["--virtual-boards", "2", "--rounds", "100000"] + ports.flatMap { ["--serial", $0] })
      let refused = try gateway.log.line(
        with: other.port, "the board speaks protocol 9 to 9, this gateway 1 to 1; update", within: 30
      ).line
      #expect(refused.level == "error" && refused["code"] == "link-no-common-version")
      let flooded = try gateway.log.line(
        with: flooding.port, "bytes came and no answer of a board is among them", "right port", within: 30
      ).line
      #expect(flooded.level == "error" && flooded["code"] == "link-garbage")
      try gateway.log.line(with: "\(flooding.port): link closed, it does not speak the protocol", within: 5)
      try gateway.log.line(with: cutting.port, "cut short", within: 30)
      for port in [silent, cutting.terminal] {
        try gateway.log.line(with: port.port, "nobody answered in 30 s", "right port?", within: 60)
      }
      let (_, index) = try gateway.log.line(with: "nobody answered in 30 s")
      try gateway.log.line(with: " done: 2 contributions", from: index)
      // What is tried again and again is told once, and a flood is not a flood of lines.
      for code in ["link-no-common-version", "link-garbage"] {
        #expect(gateway.log.all.filter { $0["code"] == code }.count == 1)
      }
      #expect(gateway.log.lines(with: flooding.port).count < 20)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
      try expectOnlyGood(bench)
    }
  }
}

extension PseudoTerminal {
  /// Writes random bytes as fast as they are taken, on a thread of its own.
  ///
  /// - Returns: a semaphore that is signalled when the thread has ended.
  fileprivate func flood(seed: UInt64, until isOver: @escaping @Sendable () -> Bool) -> DispatchSemaphore {
    let ended = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      var generator = SeededGenerator(seed: seed)
      var input = [UInt8](repeating: 0, count: 4096)
      while !isOver() {
        let bytes = (0..<1024).map { _ in UInt8.random(in: 0...255, using: &generator) }
        self.write(bytes, unless: isOver)
        if read(self.leader, &input, input.count) < 0 && errno == EIO { usleep(5000) }
      }
      ended.signal()
    }
    return ended
  }
}
