import ArgumentParser
import GatewayControl

/// `fedbridge forget`.
struct ForgetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Take the pairing with a board back.",
    discussion: """
      Its name and what it contributed stay. Over a cable it is served as before, and pairs again.

      \(ControlOptions.exitStatus)
      """)

  @Argument(help: BoardArgument.help) var board: String

  @OptionGroup var control: ControlOptions

  func validate() throws {
    try BoardArgument.validate(board)
  }

  func run() async throws {
    try await control.askAndPrint(.forget(board: board), text: ControlPrinter.plainText)
  }
}

/// How a board is named on the command line.
enum BoardArgument {
  static let help: ArgumentHelp =
    "Its name, the first digits of its id (4 or more, as many as tell it from others), or its Bluetooth address."

  static func validate(_ board: String) throws {
    guard !board.isEmpty, board.utf8.count <= 256 else {
      throw ValidationError("a board's name, id or address has 1 to 256 bytes")
    }
  }
}
