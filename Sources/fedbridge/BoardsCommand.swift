import ArgumentParser
import Foundation
import GatewayControl

/// `fedbridge boards`.
struct BoardsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "boards",
    abstract: "Show the boards that the running daemon knows.",
    discussion: """
      Then those that it saw over Bluetooth and did not admit, and why; the Bluetooth adapters; and whether unknown \
      boards may join.

      \(ControlOptions.exitStatus)
      """)

  @OptionGroup var control: ControlOptions

  func run() async throws {
    let width = Self.terminalWidth
    try await control.askAndPrint(.boards) { reply in
      guard case .boards(let list) = reply else { return ControlPrinter.plainText(reply) }
      return BoardListText.lines(of: list, now: Date(), width: width)
    }
  }

  /// The columns of the terminal; nil if the output goes elsewhere.
  private static var terminalWidth: Int? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var window = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return 80 }
    return Int(window.ws_col)
  }
}
