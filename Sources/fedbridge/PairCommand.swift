import ArgumentParser
import Foundation
import GatewayControl

/// `fedbridge pair`.
struct PairCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pair",
    abstract: "Pair with a board over Bluetooth.",
    discussion: """
      A board that was once plugged in by cable needs nothing more. For one that displays a passkey you are asked for \
      it; without a terminal it is read from standard input. Ctrl-C gives up, on the daemon's side as well.

      \(ControlOptions.exitStatus)
      """)

  @Argument(help: BoardArgument.help) var board: String

  @Option(
    help: ArgumentHelp("The passkey that the board displays, if it is known already.", valueName: "digits"))
  var passkey: Passkey?

  @OptionGroup var control: ControlOptions

  func validate() throws {
    try BoardArgument.validate(board)
  }

  func run() async throws {
    let printer = ControlPrinter(json: control.json)
    let client = try await control.ask(.pair(board: board))
    let dialogue = PairDialogue(
      passkey: passkey, isTerminal: isatty(STDIN_FILENO) == 1, nextLine: { readLine() },
      prompt: { try? FileHandle.standardError.write(contentsOf: Data($0.utf8)) },
      show: { try printer.show($0) })
    do {
      try await dialogue.run(with: client)
    } catch let code as ExitCode {
      throw code
    } catch {
      throw printer.ending(with: error)
    }
  }
}

/// A passkey as people write it: up to six digits, at the beginning of which zeros may be left out.
struct Passkey: Hashable, Sendable, ExpressibleByArgument {
  /// 0 to 999,999.
  var number: UInt32

  init?(argument: String) {
    let digits = argument.drop { $0 == " " || $0 == "\t" }.prefix { !" \t\r".contains($0) }
    let rest = argument.drop { $0 == " " || $0 == "\t" }.dropFirst(digits.count)
    guard rest.allSatisfy({ " \t\r".contains($0) }), (1...6).contains(digits.count),
      digits.allSatisfy({ "0123456789".contains($0) }), let number = UInt32(digits)
    else { return nil }
    self.number = number
  }
}
