import ArgumentParser
import Foundation
import GatewayControl
import Synchronization
import Testing

@testable import fedbridge

@Suite(.timeLimit(.minutes(1))) struct CommandTests {
  private let world: ControlWorld

  init() throws {
    world = try ControlWorld()
  }

  /// What a command line ends with.
  private func status(_ arguments: String...) async -> Int32 {
    do {
      var command = try FedBridgeCommand.parseAsRoot(arguments + ["--state-dir", world.folder.path])
      guard var asynchronous = command as? any AsyncParsableCommand else {
        try command.run()
        return 0
      }
      try await asynchronous.run()
      return 0
    } catch {
      return FedBridgeCommand.exitCode(for: error).rawValue
    }
  }

  @Test func `Commands that are answered end with 0, with and without JSON`() async throws {
    try await world.serve {
      for options in [[], ["--json"]] {
        for command in [["boards"], ["permit-join", "--for", "2m"], ["forget", "rose"]] {
          let parsed = try FedBridgeCommand.parseAsRoot(
            command + options + ["--state-dir", world.folder.path])
          guard var command = parsed as? any AsyncParsableCommand else {
            Issue.record("\(command) does nothing")
            continue
          }
          try await command.run()
        }
      }
      #expect(await status("pair", "rose", "--passkey", "000042") == 0)
      await world.responder.until(.passkey(42))
    }
  }

  @Test func `A daemon that says no gives 1`() async throws {
    try await world.serve {
      #expect(await status("pair", "failing") == 1)
      #expect(await status("pair", "failing", "--json") == 1)
      #expect(await status("pair", "mute") == 1)
    }
  }

  @Test func `Without a daemon it is 69`() async throws {
    #expect(await status("boards") == 69)
    #expect(await status("permit-join") == 69)
    #expect(await status("pair", "rose", "--json") == 69)
    #expect(await status("forget", "rose") == 69)
  }

  @Test func `A daemon that stops meanwhile gives 75`() async throws {
    let server = try await world.open()
    async let status = status("pair", "endless")
    await world.responder.until(.asked(.pair(board: "endless")))
    server.close()
    #expect(await status == 75)
  }

  @Test func `Wrong use is 64`() async throws {
    #expect(await status("permit-join", "--for", "2h") == 64)
    #expect(await status("permit-join", "--for", "61m") == 64)
    #expect(await status("pair") == 64)
    #expect(await status("pair", "") == 64)
    #expect(await status("pair", "rose", "--passkey", "1234567") == 64)
    #expect(await status("forget", String(repeating: "a", count: 257)) == 64)
    let long = "/tmp/" + String(repeating: "a", count: 120)
    var command = try #require(
      try FedBridgeCommand.parseAsRoot(["boards", "--state-dir", long]) as? any AsyncParsableCommand)
    await #expect(throws: ExitCode(64)) { try await command.run() }
  }

  @Test(
    arguments: [
      ("120", 120), ("120s", 120), ("2m", 120), ("0", 0), ("60m", 3600), ("3600", 3600), ("61m", nil),
      ("3601", nil),
      ("", nil), ("s", nil), ("-1", nil), ("1.5m", nil), ("2h", nil), ("99999999999999999999", nil),
      ("١", nil),
    ] as [(String, UInt32?)])
  func `Times are seconds or minutes`(_ text: String, _ seconds: UInt32?) {
    #expect(JoinTime(argument: text)?.seconds == seconds)
  }

  @Test(
    arguments: [
      ("123456", 123_456), ("000000", 0), ("42", 42), (" 000042\r", 42), ("", nil), ("1234567", nil),
      ("12 34", nil),
      ("-1", nil), ("12345a", nil), ("١٢٣", nil),
    ] as [(String, UInt32?)])
  func `Passkeys are up to six digits`(_ text: String, _ number: UInt32?) {
    #expect(Passkey(argument: text)?.number == number)
  }
}

@Suite(.timeLimit(.minutes(1))) struct PairDialogueTests {
  private let world: ControlWorld
  private let shown = Shown()

  /// What was printed.
  private final class Shown: Sendable {
    let text = Mutex("")
    func add(_ more: String) { text.withLock { $0 += more } }
  }

  init() throws {
    world = try ControlWorld()
  }

  /// Pairs with these lines on standard input.
  ///
  /// - Returns: what was shown, and what was thrown.
  private func pair(
    _ board: String, passkey: String? = nil, isTerminal: Bool = true, lines: [String] = []
  ) async throws -> (shown: String, code: ExitCode?) {
    let left = Mutex(lines)
    let shown = shown
    let dialogue = PairDialogue(
      passkey: passkey.flatMap { Passkey(argument: $0) }, isTerminal: isTerminal,
      nextLine: {
        left.withLock { lines in
          // A person's line feed shows on the terminal.
          guard !lines.isEmpty else { return nil }
          shown.add("\(lines[0])\n")
          return lines.removeFirst()
        }
      },
      prompt: { shown.add($0) },
      show: { reply in
        if case .passkeyWanted = reply { return }
        shown.add(ControlPrinter.plainText(reply).map { $0 + "\n" }.joined())
        if case .failed(let code, _, _) = reply {
          shown.add(code + "\n")
          throw ExitCode.failure
        }
      })
    let client = try await ControlClient.ask(.pair(board: board), path: world.path)
    do {
      try await dialogue.run(with: client)
      return (shown.text.withLock { $0 }, nil)
    } catch let code as ExitCode {
      return (shown.text.withLock { $0 }, code)
    }
  }

  @Test func `A person is asked for the passkey, until it can be one`() async throws {
    try await world.serve {
      let (shown, code) = try await pair("rose", lines: ["banana", "123456"])
      #expect(
        shown == """
          connected to rose
          the passkey that rose displays: banana
          a passkey has up to six digits; the passkey that rose displays: 123456
          paired with rose

          """)
      #expect(code == nil)
      await world.responder.until(.passkey(123_456))
    }
  }

  @Test func `Without a terminal a line of standard input is taken`() async throws {
    try await world.serve {
      let (shown, code) = try await pair("rose", isTerminal: false, lines: ["000042"])
      #expect(shown == "connected to rose\n000042\npaired with rose\n" && code == nil)
      await world.responder.until(.passkey(42))
    }
  }

  @Test(arguments: [[], ["secret"]])
  func `Without a passkey it fails, and the request is cancelled`(_ lines: [String]) async throws {
    try await world.serve {
      let (shown, code) = try await pair("rose", isTerminal: false, lines: lines)
      #expect(shown.hasSuffix("pair-no-passkey\n") && code == ExitCode(64))
      await world.responder.until(.cancelled)
    }
  }

  @Test func `A passkey of the command line serves once`() async throws {
    try await world.serve {
      let (shown, code) = try await pair("twice", passkey: "1", lines: ["2"])
      #expect(
        shown == "connected to twice\nthe passkey that twice displays: 2\npaired with twice\n" && code == nil)
      await world.responder.until(.passkey(1))
      await world.responder.until(.passkey(2))
    }
  }

  @Test func `What the daemon refuses ends it`() async throws {
    try await world.serve {
      let (shown, code) = try await pair("failing")
      #expect(shown == "pair-refused\n" && code == .failure)
    }
  }
}
