public import Datasets
import Foundation
public import Logging
public import ServiceLifecycle

/// Starts boards that are processes of this machine, one for each shard, and starts them again when they end: the
/// runtime as a Linux program, or the firmware's image on an emulator, whose launcher takes the same options.
public struct VirtualBoardFleet: Service {
  private let program: String
  private let directory: String
  private let count: Int
  private let kind: String
  private let first: Int
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
  ///   - first: number of the first board, from 1; no two fleets may share numbers.
  ///   - kind: what such a board is called in the log.
  public init(
    program: String, directory: String, shards: [Dataset], first: Int, kind: String, logger: Logger
  ) throws {
    self.program = program
    self.directory = directory
    self.first = first
    self.kind = kind
    self.logger = logger
    count = shards.count
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for (index, shard) in shards.enumerated() { try shard.write(to: data(first + index)) }
  }

  private func data(_ number: Int) -> String { "\(directory)/board-\(number).fbds" }
  private func port(_ number: Int) -> String { "\(directory)/board-\(number)" }

  /// The ports on which the boards will be found.
  public var ports: [String] { (first..<first + count).map(port) }

  /// Keeps the boards running until it is cancelled or told to stop.
  public func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        for number in first..<first + count { group.addTask { await keepRunning(number) } }
      }
    }
  }

  private func keepRunning(_ number: Int) async {
    var pause = Self.restartPause
    while !Task.isCancelled {
      let started = ContinuousClock.now
      do {
        let status = try await runOnce(number)
        guard !Task.isCancelled else { return }
        logger.warning(
          "\(kind) board \(number) ended with status \(status); it is started again",
          metadata: ["port": "\(port(number))"])
      } catch {
        logger.error("\(kind) board \(number) cannot be started: \(error)")
      }
      let lived = ContinuousClock.now - started
      pause = lived < Self.steadyAfter ? min(pause * 2, Self.longestPause) : Self.restartPause
      try? await Task.sleep(for: pause)
    }
  }

  private func runOnce(_ number: Int) async throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [
      "--link", port(number), "--data", data(number), "--id", identity(number),
      "--state", "\(port(number)).flash", "--exit-with-parent",
    ]
    // The board ends when this pipe does, however the gateway ends.
    let lifeline = Pipe()
    process.standardInput = lifeline
    let complaints = Pipe()
    process.standardError = complaints
    complaints.fileHandleForReading.readabilityHandler = { [logger, kind] handle in
      let said = handle.availableData
      guard !said.isEmpty else {
        handle.readabilityHandler = nil
        return
      }
      for line in String(decoding: said, as: UTF8.self).split(separator: "\n") {
        logger.warning("\(kind) board \(number) says: \(line)")
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

  /// The identity of such a board: the same in every run, so that it is known again.
  private func identity(_ number: Int) -> String {
    String(0xf0_0d00_0000 + UInt64(number), radix: 16)
  }
}
