import ArgumentParser

/// `fedbridge-bench`: what the parts cost on this machine.
@main
struct BenchmarksMain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fedbridge-bench",
    abstract: "Prints one JSON object a line: {\"bench\": …, \"value\": …, \"unit\": …}.",
    subcommands: [FiguresCommand.self, ServeCommand.self, CarrierCommand.self],
    defaultSubcommand: FiguresCommand.self)
}

/// The figures that need nothing but this machine.
struct FiguresCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figures", abstract: "What needs nothing but this machine.")

  enum Name: String, CaseIterable, ExpressibleByArgument {
    case train, frame, exchange, transfer, codec
  }

  @Argument(help: "train, frame, exchange, transfer, codec; all without a name.")
  var names: [Name] = []

  func run() throws {
    for name in names.isEmpty ? Name.allCases : names {
      switch name {
      case .train: try TrainingBench.run()
      case .frame: FrameBench.run()
      case .exchange: try ExchangeBench.run()
      case .transfer: try TransferBench.run()
      case .codec: try CodecBench.run()
      }
    }
  }
}
