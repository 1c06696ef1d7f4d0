import ArgumentParser
import ConsoleLog
import Foundation
import GatewayControl

/// What is said between a person, or a program on standard input, and the daemon while it pairs with a board.
struct PairDialogue: Sendable {
  /// The passkey of the command line. It serves once: a board that asks again displays another.
  var passkey: Passkey?
  /// Whether a person is there to be asked.
  var isTerminal: Bool
  /// Waits for a line of standard input; nil at its end.
  var nextLine: @Sendable () -> String?
  /// Writes a question, without a line feed after it.
  var prompt: @Sendable (String) -> Void
  /// Prints a reply and throws what the program is to end with.
  var show: @Sendable (ControlReply) throws -> Void

  private enum Event: Sendable {
    case said(ControlReply)
    case typed(String?)
    case over(any Error)
  }

  /// Goes on until the daemon is done. The connection is closed at the end, whatever that is.
  ///
  /// - Throws: what ``show`` throws, a ``ControlError``, or `ExitCode(64)` after a failure was shown because no passkey
  ///   is to be had.
  func run(with client: ControlClient) async throws {
    defer { client.close() }
    let (events, input) = AsyncStream.makeStream(of: Event.self)
    let listener = Task {
      do {
        for try await reply in client.replies { input.yield(.said(reply)) }
        input.finish()
      } catch {
        input.yield(.over(error))
      }
    }
    defer { listener.cancel() }
    var passkey = passkey
    var question: String?
    for await event in events {
      switch event {
      case .said(.passkeyWanted(let board)):
        try show(.passkeyWanted(board: board))
        if let known = passkey {
          passkey = nil
          try? await client.say(.passkey(known.number))
          continue
        }
        // Two questions about one line: the line that comes answers the latest.
        let isWaiting = question != nil
        question = "the passkey that \(singleLine(board)) displays: "
        if isTerminal { prompt(question ?? "") }
        if !isWaiting { read(into: input) }
      case .said(let reply):
        // Whatever is said while a question stands there begins on a line of its own.
        if isTerminal, question != nil { prompt("\n") }
        try show(reply)
      case .typed(let line):
        guard let line else { throw refused("standard input ended without one") }
        guard let typed = Passkey(argument: line) else {
          guard isTerminal else { throw refused("\(PlainText.cut(singleLine(line), to: 20)) is none") }
          prompt("a passkey has up to six digits; " + (question ?? ""))
          read(into: input)
          continue
        }
        question = nil
        try? await client.say(.passkey(typed.number))
      case .over(let error):
        throw error
      }
    }
  }

  /// Waits for a line on a thread of its own, because meanwhile the daemon may have something to say.
  private func read(into input: AsyncStream<Event>.Continuation) {
    let nextLine = nextLine
    Thread.detachNewThread { input.yield(.typed(nextLine())) }
  }

  private func refused(_ detail: String) -> ExitCode {
    try? show(
      .failed(
        code: "pair-no-passkey", message: "the board wants the passkey that it displays, and \(detail)",
        remedy: "run it in a terminal, or give the passkey with --passkey or on standard input"))
    return ExitCode(64)
  }
}
