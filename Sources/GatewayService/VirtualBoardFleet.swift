public import Datasets
import Foundation
public import Logging
public import ServiceLifecycle

/// Starts boards that are Linux processes, one for each shard, and starts them again when they end.
public struct VirtualBoardFleet: Service {
  private let program: String
  private let directory: String
  private let count: Int
  private let logger: Logger

  /// Pause before a board that ended is started again: a board resets within about this time.
  private static let restartPause = Duration.milliseconds(500)
  /// A board that ends again within this time is started again after a pause that doubles each time.
  private static let steadyAfter = Duration.seconds(5)
  private static let longestPause = Duration.seconds(16)

  /// Writes the shards where the boards will find them.
  ///
  /// - Parameters:
  ///   - program: path of the `virtual-board` program, or of a script with the same options.
  ///   - directory: where shards, flash files and ports go; made if needed.
  ///   - shards: the examples of each board.
  public init(program: String, directory: String, shards: [Dataset], logger: Logger) throws {
    self.program = program
    self.directory = directory
    self.logger = logger
    count = shards.count
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for (index, shard) in shards.enumerated() { try shard.write(to: Self.data(directory, index)) }
  }

  private static func data(_ directory: String, _ index: Int) -> String {
    "\(directory)/board-\(index + 1).fbds"
  }

  /// The ports on which the boards will be found.
  public var ports: [String] { (1...max(1, count)).prefix(count).map { "\(directory)/board-\($0)" } }

  /// Keeps the boards running until it is cancelled or told to stop.
  public func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        for index in 0..<count { group.addTask { await keepRunning(index) } }
      }
    }
  }

  private func keepRunning(_ index: Int) async {
    var pause = Self.restartPause
    while !Task.isCancelled {
      let started = ContinuousClock.now
      do {
        let status = try await runOnce(index)
        guard !Task.isCancelled else { return }
        logger.warning(
          "virtual board \(index + 1) ended with status \(status); it is started again",
          metadata: ["port": "\(ports[index])"])
      } catch {
        logger.error("virtual board \(index + 1) cannot be started: \(error)")
      }
      let lived = ContinuousClock.now - started
      pause = lived < Self.steadyAfter ? min(pause * 2, Self.longestPause) : Self.restartPause
      try? await Task.sleep(for: pause)
    }
  }

  private func runOnce(_ index: Int) async throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [
      "--link", ports[index], "--data", Self.data(directory, index), "--id", identity(index),
      "--state", "\(directory)/board-\(index + 1).flash", "--exit-with-parent",
    ]
    // The board ends when this pipe does, however the gateway ends.
    let lifeline = Pipe()
    process.standardInput = lifeline
    let complaints = Pipe()
    process.standardError = complaints
    complaints.fileHandleForReading.readabilityHandler = { [logger] handle in
      let said = handle.availableData
      guard !said.isEmpty else {
        handle.readabilityHandler = nil
        return
      }
      for line in String(decoding: said, as: UTF8.self).split(separator: "\n") {
        logger.warning("virtual board \(index + 1) says: \(line)")
      }
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
        do {
          try process.run()
        } catch {
          process.terminationHandler = nil
          continuation.resume(throwing: error)
        }
      }
    } onCancel: {
      try? lifeline.fileHandleForWriting.close()
    }
  }

  /// The identity of a virtual board: the same in every run, so that it is known again.
  private func identity(_ index: Int) -> String {
    String(0xf0_0d00_0000 + UInt64(index + 1), radix: 16)
  }
}
