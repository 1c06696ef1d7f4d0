import Foundation

/// Where the programs under test are.
enum Programs {
  /// The folder named by FEDBRIDGE_BIN, by default that of the test's own build products.
  static let folder: String = {
    if let folder = ProcessInfo.processInfo.environment["FEDBRIDGE_BIN"] { return folder }
    // The test is linked into a bundle beside the programs; its own path leads there whoever loads it.
    let candidates = [Bundle.main.executablePath, Bundle.main.bundlePath].compactMap(\.self)
    let folders = candidates.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
    return folders.first { FileManager.default.isExecutableFile(atPath: $0 + "/fedbridge") } ?? folders[0]
  }()

  static var gateway: String { folder + "/fedbridge" }
  static var board: String { folder + "/virtual-board" }
}
