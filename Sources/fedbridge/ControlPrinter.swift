import ArgumentParser
import ConsoleLog
import Foundation
import GatewayControl

/// Prints what the daemon answers, for people or for programs.
struct ControlPrinter: Sendable {
  /// Whether replies are printed as they came.
  var json: Bool
  /// Replies as lines for people.
  var text: @Sendable (ControlReply) -> [String] = Self.plainText

  /// Prints a reply. With `--json` it goes to standard output whatever it is; else a failure goes to standard error.
  ///
  /// - Throws: `ExitCode.failure` if the reply is a failure.
  func show(_ reply: ControlReply) throws {
    if json {
      try? FileHandle.standardOutput.write(contentsOf: ControlProtocol.line(reply))
    } else if case .failed(let code, let message, let remedy) = reply {
      Self.complain("\(message); \(remedy) [\(code)]")
    } else {
      let lines = text(reply).map { $0 + "\n" }.joined()
      try? FileHandle.standardOutput.write(contentsOf: Data(lines.utf8))
    }
    if case .failed = reply { throw ExitCode.failure }
  }

  /// Prints an error and says what the program ends with.
  func ending(with error: any Error) -> ExitCode {
    guard let error = error as? ControlError else {
      Self.complain("\(error)")
      return .failure
    }
    try? show(ControlReply(error))
    return error.exitCode
  }

  /// Writes a line to standard error.
  static func complain(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("fedbridge: \(singleLine(line))\n".utf8))
  }

  /// What every reply but a list is to people.
  @Sendable static func plainText(_ reply: ControlReply) -> [String] {
    switch reply {
    case .progress(let text), .done(let text): [singleLine(text)]
    case .joinPermitted(0): ["joining is closed: only boards that are known are served"]
    case .joinPermitted(let seconds): ["joining is permitted for \(seconds) s"]
    case .lent(let port): [singleLine("\(port.port) is free")]
    case .returned(let board): [singleLine("\(board.name) is served again, firmware \(board.firmware)")]
    // Passkeys are asked for, failures are errors, lists are tables.
    case .passkeyWanted, .failed, .boards: []
    }
  }
}

extension ControlError {
  /// What a command ends with when this happens (sysexits.h).
  var exitCode: ExitCode {
    switch self {
    case .noDaemon, .notPermitted, .unreachable, .notUnderstood, .otherVersion: ExitCode(69)
    case .hungUp: ExitCode(75)
    case .pathTooLong: ExitCode(64)
    default: .failure
    }
  }
}
