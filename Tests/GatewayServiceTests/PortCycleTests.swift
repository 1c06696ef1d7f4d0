import Bytes
import Foundation
import GatewayStore
import Glibc
import Logging
import NIOCore
import NIOPosix
import PropertyTesting
import Rounds
import SerialDevices
import Testing

@testable import Gateway
@testable import GatewayControl
@testable import GatewayService
@testable import fedbridge

/// Boards come and go on pseudo-terminals while the gateway's own port code runs.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PortCycleTests {
  private let folder: URL
  private let daemon: GatewayDaemon
  private let store: GatewayStore

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    store = try GatewayStore(directory: folder.path)
    let experiment = try Experiment(dataset: "digits", boards: 1, division: .iid, seed: 1)
    let first = RoundAggregation.snapshot(of: experiment.model, version: 0, parameters: experiment.start)
    let run = try store.startRun(
      settings: experiment.settings,
      initialModel: NewModel(snapshot: first.snapshot, description: first.encodedDescription), at: Date())
    let settings = GatewaySettings(
      name: ShortText("test"), policy: try RoundPolicy(minimumBoards: 1),
      training: experiment.hyperparameters)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    daemon = try GatewayDaemon(
      eventLoop: MultiThreadedEventLoopGroup.singleton.next(), settings: settings, experiment: experiment,
      store: store, run: run.id, narrator: RunNarrator(logger: logger, live: nil))
  }

  /// Runs the gateway for the time of `body`, and expects that it leaves no port open.
  private func whileItRuns(_ body: () async throws -> Void) async throws {
    let life = Task { try await daemon.run() }
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
    life.cancel()
    try await life.value
    #expect(await daemon.isIdle)
    #expect(try Terminal.descriptors() == 0)
    try store.close()
    try FileManager.default.removeItem(at: folder)
    try outcome.get()
  }

  /// A board's port, the other side of which is the test's.
  private func port(_ terminal: Terminal, _ attachment: Int) -> SerialPort {
    SerialPort(
      devicePath: "/sys/devices/usb1/1-1", node: terminal.path, attachment: UInt32(attachment),
      usb: USBIdentity(vendor: 0x2341, product: 0x805a, serial: "A1", portPath: "1-1"), kind: .sketch)
  }

  @Test func `Five hundred boards come and go and leave no descriptor and no word of themselves`()
    async throws
  {
    var random = SeededGenerator(seed: 500)
    for number in 0..<500 {
      var terminal: Terminal? = try Terminal()
      let plugged = port(terminal!, number)
      await daemon.portChanged(.appeared(plugged))
      try #require(terminal!.isGreeted(), "plugging \(number)")
      // The kernel hangs up before or after udev tells.
      if Bool.random(using: &random) {
        terminal = nil
        await daemon.portChanged(.vanished(plugged))
      } else {
        await daemon.portChanged(.vanished(plugged))
        terminal = nil
      }
    }
    while await !daemon.isForgetful { await Task.yield() }
    #expect(await daemon.hungUp.isEmpty)
    #expect(try Terminal.descriptors() == 0)
  }

  @Test func `A board that is plugged in again before its removal is told is served on`() async throws {
    try await whileItRuns { try await tellRemovalsLate() }
  }

  private func tellRemovalsLate() async throws {
    let terminal = try Terminal()
    await daemon.portChanged(.appeared(port(terminal, 0)))
    try #require(terminal.isGreeted())
    for number in 1...20 {
      // The removal that is told late is the old one's.
      await daemon.portChanged(.appeared(port(terminal, number)))
      await daemon.portChanged(.vanished(port(terminal, number - 1)))
      #expect(await daemon.openPaths == [terminal.path])
    }
    await daemon.portChanged(.vanished(port(terminal, 20)))
    withExtendedLifetime(terminal) {}
  }

  @Test func `A device that takes nothing is let go quickly and holds up nobody`() async throws {
    try await whileItRuns { try await fillOnePort() }
  }

  private func fillOnePort() async throws {
    let (stuck, other) = (try Terminal(), try Terminal())
    await daemon.serve(port: stuck.path)
    await daemon.serve(port: other.path)
    try #require(stuck.isGreeted() && other.isGreeted())
    #expect(await daemon.fillAndClose(stuck.path))
    // The other port is served meanwhile: greetings go on.
    #expect(other.isGreeted())
    while await daemon.closing > 0 { await Task.yield() }
    #expect(await daemon.openPaths == [other.path])
  }

  // MARK: Ports that are lent

  /// Asks for a port on behalf of a program that has it until it says no more.
  private func lend(
    _ board: String
  ) -> (replies: AsyncStream<ControlReply>, client: AsyncStream<UInt32>.Continuation) {
    let (replies, output) = AsyncStream<ControlReply>.makeStream()
    let (client, end) = AsyncStream<UInt32>.makeStream()
    let daemon = daemon
    Task {
      output.yield(await daemon.lend(board, tell: { output.yield($0) }, until: client))
      output.finish()
    }
    return (replies, end)
  }

  @Test func `A port that is lent is closed, left alone, and opened again when it is given back`()
    async throws
  {
    try await whileItRuns {
      let (terminal, other) = (try Terminal(), try Terminal())
      await daemon.portChanged(.appeared(port(terminal, 0)))
      await daemon.serve(port: other.path)
      try #require(terminal.isGreeted() && other.isGreeted())
      // By its serial number, its path, and in any case only once.
      for name in ["A1", "000a1", terminal.path] {
        let (replies, client) = lend(name)
        var iterator = replies.makeAsyncIterator()
        #expect(await iterator.next() == .lent(LentPort(port: terminal.path)))
        #expect(await daemon.openPaths == [other.path])
        let (second, _) = lend("A1")
        for await reply in second {
          guard case .failed("lend-under-way", _, _) = reply else {
            Issue.record("\(reply)")
            continue
          }
        }
        // The others are served.
        #expect(other.isGreeted())
        client.finish()
        try #require(terminal.isGreeted(), "lent as \(name)")
      }
    }
  }

  @Test func `What comes into a socket that is lent is left alone, and what comes to its node is not`()
    async throws
  {
    try await whileItRuns {
      let (board, bootloader, stranger) = (try Terminal(), try Terminal(), try Terminal())
      await daemon.portChanged(.appeared(port(board, 0)))
      try #require(board.isGreeted())
      let (replies, client) = lend("A1")
      var iterator = replies.makeAsyncIterator()
      #expect(await iterator.next() == .lent(LentPort(port: board.path)))
      await daemon.portChanged(.vanished(port(board, 0)))
      // Another board gets the node that is free now.
      var other = port(board, 7)
      other.devicePath = "/sys/devices/usb1/1-2"
      await daemon.portChanged(.appeared(other))
      try #require(board.isGreeted())
      var waiting = port(bootloader, 1)
      waiting.kind = .bootloader
      await daemon.portChanged(.appeared(waiting))
      await daemon.portChanged(.vanished(waiting))
      await daemon.portChanged(.appeared(port(stranger, 2)))
      #expect(await daemon.openPaths == [board.path])
      client.finish()
      try #require(stranger.isGreeted())
      withExtendedLifetime(bootloader) {}
    }
  }

  @Test func `What nobody has plugged in cannot be lent`() async throws {
    try await whileItRuns {
      for name in ["rose", "/dev/ttyACM9", "0", "A1"] {
        for await reply in lend(name).replies {
          guard case .failed("board-unknown", _, _) = reply else {
            Issue.record("\(name): \(reply)")
            continue
          }
        }
      }
    }
  }
}

extension GatewayDaemon {
  fileprivate var openPaths: [String] { links.values.compactMap { ($0 as? PortLink)?.path }.sorted() }

  /// Whether nothing is open or being closed.
  fileprivate var isIdle: Bool { links.isEmpty && closing == 0 }

  /// Whether no port is known either.
  fileprivate var isForgetful: Bool { isIdle && schedule.nextDeadline == nil }

  /// Writes to a port until it takes no more, and closes it; false if it is not open.
  fileprivate func fillAndClose(_ path: String) -> Bool {
    guard let (id, link) = links.first(where: { ($0.value as? PortLink)?.path == path }) else { return false }
    while link.channel.isWritable {
      link.channel.writeAndFlush(link.channel.allocator.buffer(repeating: 7, count: 4096), promise: nil)
    }
    close(id, .garbage(limit: 1))
    return closing == 1
  }
}

/// A pseudo-terminal of which the test is the board.
private final class Terminal {
  let path: String
  private let leader: Int32

  init() throws {
    var (leader, follower) = (Int32(-1), Int32(-1))
    var name = [CChar](repeating: 0, count: 64)
    try #require(openpty(&leader, &follower, nil, nil, nil) == 0)
    try #require(ttyname_r(follower, &name, name.count) == 0)
    close(follower)
    _ = fcntl(leader, F_SETFD, FD_CLOEXEC)
    self.leader = leader
    path = name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { close(leader) }

  /// Whether bytes of the gateway come within ten seconds; they are taken.
  func isGreeted() -> Bool {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
      var waiting = pollfd(fd: leader, events: Int16(POLLIN), revents: 0)
      poll(&waiting, 1, 10)
      var buffer = [UInt8](repeating: 0, count: 4096)
      // Until the gateway opens it, the other side reads as hung up.
      if waiting.revents & Int16(POLLIN) != 0, read(leader, &buffer, buffer.count) > 0 { return true }
      if waiting.revents & Int16(POLLHUP) != 0 { usleep(200) }
    }
    return false
  }

  /// How many descriptors of pseudo-terminals' ports this process has.
  static func descriptors() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
      return target?.hasPrefix("/dev/pts/") == true
    }
  }
}
