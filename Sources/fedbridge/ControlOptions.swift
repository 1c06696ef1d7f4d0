import ArgumentParser
import Foundation
import GatewayControl

/// What every command has that speaks with the running daemon.
struct ControlOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where the daemon keeps its state.", valueName: "directory"))
  var stateDir: String = RunCommand.defaultStateDirectory

  @Flag(help: "Print the daemon's replies as JSON, one object a line (Protocols/control.md).")
  var json = false

  /// Where the daemon listens.
  var socketPath: String { stateDir + "/" + ControlProtocol.socketName }

  /// Asks the daemon.
  ///
  /// - Throws: an `ExitCode`, after the cause was printed.
  func ask(_ request: ControlRequest) async throws -> ControlClient {
    do {
      return try await ControlClient.ask(request, path: socketPath)
    } catch {
      throw ControlPrinter(json: json).ending(with: error)
    }
  }

  /// Asks for what is answered without questions, and prints the answer.
  ///
  /// - Parameter text: an answer as lines for people; those of a failure and of progress are printed alike everywhere.
  /// - Throws: an `ExitCode`, after the cause was printed.
  func askAndPrint(
    _ request: ControlRequest, text: @escaping @Sendable (ControlReply) -> [String]
  ) async throws {
    let printer = ControlPrinter(json: json, text: text)
    let client = try await ask(request)
    do {
      for try await reply in client.replies { try printer.show(reply) }
    } catch let code as ExitCode {
      throw code
    } catch {
      throw printer.ending(with: error)
    }
  }

  /// What all these commands end with.
  static let exitStatus = """
    Exit status: 0 done; 1 the daemon could not do it, and says why; 64 wrong use; 69 no daemon is there that can be \
    spoken with; 75 the daemon went away during the request.
    """
}
