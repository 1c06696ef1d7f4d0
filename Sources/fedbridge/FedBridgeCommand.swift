import ArgumentParser

/// `fedbridge`: the gateway.
@main
struct FedBridgeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fedbridge",
    abstract: "A gateway that lets microcontroller boards learn together.",
    version: "0.1.0",
    subcommands: [
      RunCommand.self, BoardsCommand.self, PermitJoinCommand.self, PairCommand.self, ForgetCommand.self,
      FlashCommand.self,
    ])
}
