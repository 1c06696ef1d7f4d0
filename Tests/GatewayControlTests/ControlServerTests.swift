import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import GatewayControl

@Suite(.timeLimit(.minutes(1))) struct ControlServerTests {
  private let world: ControlWorld

  init() throws {
    world = try ControlWorld()
  }

  private func expectService() async throws {
    #expect(try await world.ask(.forget(board: "rose")) == [.done("rose is forgotten")])
  }

  @Test func `Every request is answered`() async throws {
    try await world.serve {
      #expect(try await world.ask(.boards) == [.boards(ControlProtocolTests.list)])
      #expect(try await world.ask(.permitJoin(seconds: 60)) == [.joinPermitted(seconds: 60)])
      try await expectService()
      #expect(
        try await world.ask(.pair(board: "failing")) == [
          .failed(code: "pair-refused", message: "it would not", remedy: "ask nicely")
        ])
    }
  }

  @Test func `A passkey reaches whoever asked for it`() async throws {
    try await world.serve {
      let client = try await ControlClient.ask(.pair(board: "rose"), path: world.path)
      var replies: [ControlReply] = []
      for try await reply in client.replies {
        replies.append(reply)
        if case .passkeyWanted = reply { try await client.say(.passkey(123_456)) }
      }
      #expect(
        replies == [.progress("connected to rose"), .passkeyWanted(board: "rose"), .done("paired with rose")])
      await world.responder.until(.passkey(123_456))
    }
  }

  @Test func `A request that nobody answers fails`() async throws {
    try await world.serve {
      let replies = try await world.ask(.pair(board: "mute"))
      #expect(replies == [.progress("hm"), ControlReply(.unanswered)])
    }
  }

  static let pairing = #"{"version":1,"request":"pair","board":"endless"}"# + "\n"

  /// What a hostile client says, what it is told, and the beginning of it as the name of the test.
  struct Wrong: Sendable, CustomTestStringConvertible {
    var text: String
    var code: String

    init(_ text: String, _ code: String) {
      self.text = text
      self.code = code
    }

    var testDescription: String { text.prefix(60).debugDescription }
  }

  static let wrong: [Wrong] = [
    Wrong("\u{0}\u{1}\u{2}\n", "control-garbage"),
    Wrong("GET / HTTP/1.1\r\n\r\n", "control-garbage"),
    Wrong(String(repeating: "{", count: 65_537), "control-line-too-long"),
    Wrong(String(repeating: " ", count: 70_000), "control-line-too-long"),
    Wrong(#"{"request":"boards"}"#, "control-other-version"),
    Wrong(#"{"version":7,"request":"boards"}"#, "control-other-version"),
    Wrong(#"{"version":1,"request":"dance"}"#, "control-unknown-request"),
    Wrong(#"{"version":1,"request":"passkey","passkey":1}"#, "control-bad-request"),
    Wrong(pairing + #"{"request":"boards"}"#, "control-bad-request"),
    Wrong(pairing + "so?", "control-garbage"),
    Wrong(pairing + String(repeating: "9", count: 70_000), "control-line-too-long"),
  ]

  @Test(arguments: wrong)
  func `What is no request is answered with its reason and closed`(_ wrong: Wrong)
    async throws
  {
    try await world.serve {
      let client = try await RawClient(world.path)
      // It may be closed before all of it is said.
      try? await client.send(wrong.text + (wrong.text.count < 65_537 ? "\n" : ""))
      #expect(try await client.failure() == wrong.code)
      try await expectService()
    }
  }

  @Test func `A client of another version is told what to do`() async throws {
    try await world.serve {
      let client = try await RawClient(world.path)
      try await client.send(#"{"version":2,"request":"boards","boards":["all"]}"# + "\n")
      let told = try await client.everything()
      #expect(told.contains("the command speaks version 2 of the control protocol, the daemon version 1"))
      #expect(told.contains("restart the daemon if it was updated"))
    }
  }

  @Test func `A request that comes byte by byte is answered`() async throws {
    try await world.serve {
      let client = try await RawClient(world.path)
      for byte in "\n" + #"{"version":1,"request":"forget","board":"rose"}"# + "\r\n" {
        try await client.send(String(byte))
      }
      #expect(try await client.everything().contains(#""text":"rose is forgotten""#))
    }
  }

  @Test func `Half a line and a hang-up are nothing`() async throws {
    try await world.serve {
      for text in ["", "{", #"{"version":1,"request":"boards"}"#] {
        let client = try await RawClient(world.path)
        try await client.send(text)
        try await client.hangUp()
        let other = try await RawClient(world.path)
        try await other.send(text)
        try await other.finishSending()
        #expect(try await other.everything() == "")
      }
      try await expectService()
    }
  }

  @Test func `Who says no more is answered still`() async throws {
    try await world.serve {
      let client = try await RawClient(world.path)
      try await client.send(#"{"version":1,"request":"boards"}"# + "\n")
      try await client.finishSending()
      #expect(try await client.everything().contains("7f3a21c000000001"))
      let pairing = try await RawClient(world.path)
      try await pairing.send(#"{"version":1,"request":"pair","board":"endless"}"# + "\n")
      try await pairing.finishSending()
      await world.responder.until(.passkeysEnded)
      // And hanging up is still heard.
      try await pairing.hangUp()
      await world.responder.until(.cancelled)
    }
  }

  @Test func `Hanging up cancels the request`() async throws {
    try await world.serve {
      let client = try await ControlClient.ask(.pair(board: "endless"), path: world.path)
      for try await reply in client.replies {
        #expect(reply == .progress("looking for it"))
        break
      }
      client.close()
      await world.responder.until(.cancelled)
    }
  }

  @Test func `Of passkeys that nobody waits for the latest is kept`() async throws {
    try await world.serve {
      let client = try await RawClient(world.path)
      let flood = (0..<5000).map { #"{"request":"passkey","passkey":\#($0)}"# + "\n" }.joined()
      try await client.send(#"{"version":1,"request":"pair","board":"rose"}"# + "\n" + flood)
      #expect(try await client.everything().contains("paired with rose"))
    }
  }

  @Test func `Sixteen clients are served and the seventeenth is sent away`() async throws {
    try await world.serve {
      var clients: [ControlClient] = []
      for _ in 0..<16 {
        clients.append(try await ControlClient.ask(.pair(board: "endless"), path: world.path))
        await world.responder.until(.asked(.pair(board: "endless")))
      }
      #expect(try await world.ask(.boards) == [ControlReply(.tooManyClients(limit: 16))])
      clients.removeFirst().close()
      await world.responder.until(.cancelled)
      // There is room again as soon as the daemon has noticed.
      var replies: [ControlReply] = []
      repeat { replies = try await world.ask(.boards) } while replies.first?.isFailure == true
      #expect(replies == [.boards(ControlProtocolTests.list)])
    }
  }

  @Test func `A client that does not read is closed, and its request cancelled`() async throws {
    // Long enough for the clients that do read, on a machine with other things to do.
    try await world.serve(patience: .init(reading: .seconds(2))) {
      let client = try await RawClient(world.path, reads: false)
      try await client.send(#"{"version":1,"request":"pair","board":"flood"}"# + "\n")
      await world.responder.until(.cancelled)
      try await expectService()
      try? await client.hangUp()
    }
  }

  @Test func `A client that asks nothing is closed`() async throws {
    try await world.serve(patience: .init(asking: .milliseconds(20))) {
      let silent = try await RawClient(world.path)
      #expect(try await silent.failure() == "control-no-request")
      let half = try await RawClient(world.path)
      try? await half.send(#"{"version":1,"#)
      #expect(try await half.failure() == "control-no-request")
    }
  }

  @Test func `Who is not admitted is told so`() async throws {
    try await world.serve(admits: { $0.user != geteuid() }) {
      let replies = try await world.ask(.boards)
      #expect(replies == [ControlReply(.notAdmitted(user: geteuid()))])
    }
  }

  @Test func `Root, the daemon's user and the group's members are admitted`() {
    func peer(_ user: UInt32, _ groups: Set<UInt32>) -> PeerCredentials {
      PeerCredentials(pid: 1, user: user, groups: groups)
    }
    let own = PeerAccess(user: 1000, group: nil)
    #expect(own.admits(peer(0, [0])) && own.admits(peer(1000, [5])))
    #expect(!own.admits(peer(1001, [1000, 0])))
    let shared = PeerAccess(user: 1000, group: 77)
    #expect(
      shared.admits(peer(1001, [5, 77])) && shared.admits(peer(0, [])) && shared.admits(peer(1000, [])))
    #expect(!shared.admits(peer(1001, [5, 1000])))
  }

  @Test func `The kernel tells who is at the other end`() throws {
    var ends: [CInt] = [0, 0]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { for end in ends { close(end) } }
    let peer = try #require(PeerCredentials(of: ends[0]))
    #expect(peer.pid == getpid() && peer.user == geteuid() && peer.groups.contains(getegid()))
    var groups = [gid_t](repeating: 0, count: 1024)
    let count = getgroups(1024, &groups)
    #expect(peer.groups == Set(groups.prefix(Int(count)) + [getegid()]))
  }

  @Test func `Stopping closes clients and leaves no socket`() async throws {
    let server = try await world.open()
    let group = ServiceGroup(
      configuration: .init(
        services: [server], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    let life = Task { try await group.run() }
    let client = try await ControlClient.ask(.pair(board: "endless"), path: world.path)
    await world.responder.until(.asked(.pair(board: "endless")))
    await group.triggerGracefulShutdown()
    try await life.value
    await world.responder.until(.cancelled)
    await #expect(throws: ControlError.hungUp) { for try await _ in client.replies {} }
    #expect(!FileManager.default.fileExists(atPath: world.path))
    await #expect(throws: ControlError.noDaemon(path: world.path)) { try await world.ask(.boards) }
  }
}

extension ControlReply {
  fileprivate var isFailure: Bool {
    if case .failed = self { true } else { false }
  }
}
