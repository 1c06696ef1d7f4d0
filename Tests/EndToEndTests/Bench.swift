import Baselines
import Datasets
import Digests
import Foundation
import GatewayService
import GatewayStore
import Glibc
import Rounds
import Synchronization

/// One test's own directory and everything that it starts. ``clear()`` ends and deletes all of it.
final class Bench: Sendable {
  let directory: String
  private let programs = Mutex<[RunningProgram]>([])

  init() throws {
    // Short: a path of a terminal or socket may have to fit into 108 bytes.
    var template = Array("/tmp/fedbridge-e2e-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure("no temporary directory to be had") }
    directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  /// Ends all programs and deletes the directory.
  func clear() {
    for program in programs.withLock({ $0 }).reversed() { program.destroy() }
    try? FileManager.default.removeItem(atPath: directory)
  }

  var stateDirectory: String { directory + "/state" }
  var summaryPath: String { directory + "/summary.json" }

  /// Starts any program, which is ended with the bench.
  func start(_ program: String, _ arguments: [String], hasLifeline: Bool = false) throws -> RunningProgram {
    let running = try RunningProgram(program, arguments, hasLifeline: hasLifeline)
    programs.withLock { $0.append(running) }
    return running
  }

  /// Starts `fedbridge run` in the bench's state directory, without USB, logging as JSON.
  ///
  /// - Parameter wrapper: words in front of the command, such as a program that starts it in another way.
  func gateway(_ options: [String], wrapper: [String] = []) throws -> RunningProgram {
    let command =
      wrapper + [
        Programs.gateway, "run", "--state-dir", stateDirectory, "--no-usb", "--log-format", "json",
      ] + options
    return try start(command[0], Array(command.dropFirst()))
  }

  /// Starts a board that no gateway has started. It ends with the test.
  func board(
    link: String, data: String, id: String, state: String, options: [String] = []
  ) throws -> RunningProgram {
    try start(
      Programs.board,
      ["--link", link, "--data", data, "--id", id, "--state", state, "--exit-with-parent"] + options,
      hasLifeline: true)
  }

  /// Writes a board's examples where it finds them.
  func write(_ shard: Dataset, as name: String) throws -> String {
    let path = "\(directory)/\(name).fbds"
    try shard.write(to: path)
    return path
  }

  // MARK: What is left behind

  /// Opens the state that the gateway left, to look at it.
  func store() throws -> GatewayStore { try GatewayStore(directory: stateDirectory, access: .inspect) }

  /// The summary that the gateway wrote.
  func summary() throws -> RunSummary {
    try JSONDecoder().decode(
      RunSummary.self, from: Data(contentsOf: URL(fileURLWithPath: summaryPath)))
  }
}
