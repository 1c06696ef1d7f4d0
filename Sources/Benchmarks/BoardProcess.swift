import Datasets
import Foundation

/// A virtual board as a process of its own on a pseudo-terminal.
final class BoardProcess {
  let port: String
  private let process = Process()
  private let lifeline = Pipe()
  private let directory: String

  /// - Parameters:
  ///   - width: features of its examples.
  ///   - classes: classes of its examples.
  init(width: Int, classes: Int) throws {
    directory = NSTemporaryDirectory() + "fedbridge-bench-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    port = directory + "/port"
    let count = classes
    let shard = try Dataset(
      name: "bench", classNames: (0..<classes).map { "class \($0)" }, featureWidth: width,
      labels: (0..<count).map { UInt8($0) }, groups: [UInt16](repeating: 0, count: count),
      splits: [Dataset.Split](repeating: .train, count: count),
      features: .float32((0..<count * width).map { Float($0 % 13) / 13 }))
    try shard.write(to: directory + "/data.fbds")
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.executableURL = URL(fileURLWithPath: own).deletingLastPathComponent()
      .appendingPathComponent("virtual-board")
    process.arguments = [
      "--link", port, "--data", directory + "/data.fbds", "--state", directory + "/flash", "--id", "b",
      "--exit-with-parent", "--arena", "60000",
    ]
    process.standardInput = lifeline
    try process.run()
    let deadline = ContinuousClock.now + .seconds(10)
    while !FileManager.default.fileExists(atPath: port) {
      guard ContinuousClock.now < deadline else { throw BenchError.noAnswer("virtual-board") }
      usleep(1000)
    }
  }

  /// Ends the process and removes its files.
  func end() {
    try? lifeline.fileHandleForWriting.close()
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: directory)
  }
}

/// Why a benchmark could not be run.
enum BenchError: Error {
  case noAnswer(String)
  case boardProblem(String)
}
