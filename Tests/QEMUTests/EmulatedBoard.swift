import Foundation

/// Where things are, and whether these tests can run here.
enum Emulation {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let launcher = root.appendingPathComponent("Scripts/qemu-board").path
  static let image = root.appendingPathComponent("build/firmware/qemu-board.elf").path

  /// A data set that comes with FedBridge.
  static func dataset(_ name: String) -> String {
    root.appendingPathComponent("Sources/Datasets/Resources/\(name).fbds").path
  }

  /// What is missing; nil if nothing is.
  static let lack: String? = {
    let isInstalled = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/qemu-system-arm")
    }
    if !isInstalled {
      return "no qemu-system-arm; apt-get install --no-install-recommends qemu-system-arm"
    }
    if !FileManager.default.fileExists(atPath: image) {
      return "no \(image); run Scripts/build-firmware, or let Tests/QEMU/run do both"
    }
    return nil
  }()
}

/// A folder that goes with the test.
final class Scratch {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "fedbridge-qemu-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// A board that Scripts/qemu-board runs.
final class EmulatedBoard {
  let link: String
  private let process = Process()
  private let lifeline = Pipe()
  private let words: String

  struct DidNotStart: Error { let words: String }

  init(_ scratch: Scratch, data: String, id: String = "7", state: String, provoke: String? = nil) throws {
    link = scratch.file("port-\(UUID().uuidString)")
    words = scratch.file("words-\(UUID().uuidString)")
    try Data().write(to: URL(fileURLWithPath: words))
    process.executableURL = URL(fileURLWithPath: Emulation.launcher)
    process.arguments =
      ["--link", link, "--data", data, "--id", id, "--state", state, "--exit-with-parent"]
      + (provoke.map { ["--provoke", $0] } ?? [])
    process.standardInput = lifeline
    process.standardError = FileHandle(forWritingAtPath: words)
    try process.run()
    let end = Date().addingTimeInterval(20)
    while !FileManager.default.fileExists(atPath: link) {
      guard process.isRunning, Date() < end else { throw DidNotStart(words: said) }
      usleep(2000)
    }
  }

  deinit { cutPower() }

  /// What it said on standard error.
  var said: String { (try? String(contentsOfFile: words, encoding: .utf8)) ?? "" }

  var isRunning: Bool { process.isRunning }

  /// Waits until it has ended by itself.
  func exitStatus() -> Int32 {
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// Kills QEMU where it stands.
  func cutPower() {
    guard process.isRunning else { return }
    try? lifeline.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}
