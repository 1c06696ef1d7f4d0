import ArgumentParser
import GatewayControl

/// `fedbridge permit-join`.
struct PermitJoinCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "permit-join",
    abstract: "Let unknown boards join over Bluetooth for a while.",
    discussion: ControlOptions.exitStatus)

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("For how long, up to an hour: 120, 120s or 2m; 0 closes it.", valueName: "time"))
  var time = JoinTime(seconds: 120)

  @OptionGroup var control: ControlOptions

  func run() async throws {
    try await control.askAndPrint(.permitJoin(seconds: time.seconds), text: ControlPrinter.plainText)
  }
}

/// A time on the command line: `120`, `120s` or `2m`.
struct JoinTime: Hashable, Sendable, ExpressibleByArgument {
  /// At most ``ControlRequest/longestJoin``.
  var seconds: UInt32

  /// A time of so many seconds.
  init(seconds: UInt32) {
    self.seconds = seconds
  }

  init?(argument: String) {
    let digits = argument.prefix { "0123456789".contains($0) }
    let unit: UInt32
    switch argument.dropFirst(digits.count) {
    case "", "s": unit = 1
    case "m": unit = 60
    default: return nil
    }
    guard let number = UInt32(digits), number <= ControlRequest.longestJoin / unit else { return nil }
    seconds = number * unit
  }

  var defaultValueDescription: String { "\(seconds)s" }
}
