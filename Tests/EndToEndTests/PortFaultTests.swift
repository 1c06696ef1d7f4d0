import Foundation
import GatewayService
import GatewayStore
import Glibc
import Rounds
import Testing

extension EndToEnd {
  /// Ports that cannot be opened: the cause and the remedy are said, and the others go on.
  @Suite struct PortFaults {
    /// Starts a gateway with two boards of its own and one more port.
    private func gateway(
      _ bench: Bench, port: String, more: [String] = [], wrapper: [String] = []
    ) throws -> RunningProgram {
      try bench.gateway(
        ["--virtual-boards", "2", "--rounds", "100000", "--serial", port] + more, wrapper: wrapper)
    }

    /// Expects that rounds are held after the line `index`, and ends the gateway.
    private func expectRounds(_ gateway: RunningProgram, after index: Int) throws {
      let (_, done) = try gateway.log.line(with: " done: ", from: index, within: 60)
      try gateway.log.line(with: " done: ", from: done + 1, within: 60)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
    }

    /// A link to what a board of ours has on its port.
    private func startBoard(_ bench: Bench, link: String) throws -> RunningProgram {
      let experiment = try Experiment(dataset: "digits", boards: 2, division: .iid, seed: 1)
      let data = try bench.write(experiment.shards[0], as: "shard")
      return try bench.board(link: link, data: data, id: "abc", state: bench.directory + "/flash")
    }

    @Test func aMissingPortIsServedWhenItIsThere() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let port = bench.directory + "/port"
      let gateway = try gateway(bench, port: port)
      let (line, _) = try gateway.log.line(with: "there is no device at \(port); plug the board in")
      #expect(line.level == "warning" && line["code"] == "tty-no-such-device")
      let (_, done) = try gateway.log.line(with: " done: 2 contributions", within: 60)
      let board = try startBoard(bench, link: port)
      let (_, joined) = try gateway.log.line(with: "(0000000000000abc) joined on port", from: done)
      let (_, three) = try gateway.log.line(with: " done: 3 contributions", from: joined, within: 60)
      // Once is enough for what does not change.
      #expect(gateway.log.lines(with: "there is no device at").count == 1)
      #expect(board.isRunning)
      try expectRounds(gateway, after: three)
    }

    @Test func aFileThatIsNoPortIsNamed() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let port = bench.directory + "/port"
      let content = Data("somebody's letters".utf8)
      try content.write(to: URL(fileURLWithPath: port))
      let gateway = try gateway(bench, port: port)
      let (line, index) = try gateway.log.line(with: "\(port) is not a tty; name a serial port such as")
      #expect(line.level == "warning" && line["code"] == "tty-not-a-terminal")
      let (_, done) = try gateway.log.line(with: " done: 2 contributions", from: index, within: 60)
      // The file is left as it is; a board in its place is found.
      #expect(FileManager.default.contents(atPath: port) == content)
      try FileManager.default.removeItem(atPath: port)
      let board = try startBoard(bench, link: port)
      let (_, joined) = try gateway.log.line(with: "(0000000000000abc) joined on port", from: done)
      #expect(board.isRunning)
      try expectRounds(gateway, after: joined)
    }

    @Test func aPortWithTwoNamesIsServedOnceAndNobodyIsToldToDoAnything() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let peer = try ScriptedPeer(id: 0xbee) { $0.takeModel($1, $2) }
      defer { peer.end() }
      let alias = bench.directory + "/alias"
      try FileManager.default.createSymbolicLink(atPath: alias, withDestinationPath: peer.path)
      let gateway = try gateway(bench, port: peer.path, more: ["--serial", alias])
      try gateway.log.line(with: "(0000000000000bee) joined")
      try gateway.log.line(with: "round 1 begins")
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
      #expect(gateway.log.lines(with: "is held by").isEmpty)
      #expect(gateway.log.lines(with: "(0000000000000bee) joined").count == 1)
    }

    @Test func aPortThatAnotherProgramHoldsIsServedWhenItIsFree() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let peer = try ScriptedPeer(id: 0xbee) { $0.takeModel($1, $2) }
      defer { peer.end() }
      // flock(1) locks its input as any polite program locks a port.
      let holder = try bench.start("flock", ["--exclusive", peer.path, "sleep", "60"])
      try eventually("the port is held") {
        let own = open(peer.path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        defer { close(own) }
        return flock(own, LOCK_EX | LOCK_NB) != 0
      }
      let gateway = try gateway(bench, port: peer.path)
      let (line, index) = try gateway.log.line(
        with: "\(peer.path) is held by", "(pid \(holder.pid))", "end it, for example with: kill ")
      #expect(line["code"] == "tty-busy")
      try gateway.log.line(with: " done: 2 contributions", within: 60)
      for process in ProcessEntry.children(of: holder.pid) { kill(process.pid, SIGKILL) }
      holder.send(SIGKILL)
      try gateway.log.line(with: "\(peer.path): can be opened now", from: index)
      let (_, joined) = try gateway.log.line(with: "(0000000000000bee) joined", from: index)
      _ = joined
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
    }

    @Test(.enabled(if: Privileges.canBeGivenUp, "needs root and setpriv(1)"))
    func aPortWithoutPermissionIsNamedWithItsGroup() throws {
      let bench = try Bench()
      defer { bench.clear() }
      chmod(bench.directory, 0o777)
      let peer = try ScriptedPeer(id: 0xbee) { $0.takeModel($1, $2) }
      defer { peer.end() }
      chmod(peer.path, 0o620)
      let gateway = try gateway(bench, port: peer.path, wrapper: Privileges.wrapper)
      let (line, index) = try gateway.log.line(
        with: "no permission to open \(peer.path) (group ", "udev rule")
      #expect(line["code"] == "tty-permission-denied")
      try gateway.log.line(with: " done: 2 contributions", within: 60)
      chmod(peer.path, 0o666)
      try gateway.log.line(with: "\(peer.path): can be opened now", from: index)
      try gateway.log.line(with: "(0000000000000bee) joined", from: index)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
    }
  }
}

/// Starting the gateway as an ordinary user from a test that runs as root.
enum Privileges {
  static let wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

  static let canBeGivenUp: Bool = {
    guard geteuid() == 0,
      let program = try? RunningProgram(wrapper[0], wrapper.dropFirst() + [Programs.gateway, "--version"])
    else { return false }
    return (try? program.end(within: 10)) == .exit(0)
  }()
}
