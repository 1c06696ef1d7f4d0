import Glibc

extension Dataset {
  /// The data sets that come with FedBridge.
  public static let bundledNames = ["digits", "exercises"]

  /// The data set NAME, read from NAME.fbds.
  ///
  /// - Parameters:
  ///   - name: letters, digits, `-` and `_`.
  ///   - directory: where to look; nil looks where an installed and a built FedBridge keep their files.
  /// - Throws: ``DatasetError``: `notFound`, or what ``init(path:)`` throws.
  public static func named(_ name: String, in directory: String? = nil) throws(DatasetError) -> Dataset {
    let directories = directory.map { [$0] } ?? installedDirectories
    // Nothing that could lead out of the directories.
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
      default: false
      }
    }
    if isPlain, !name.isEmpty {
      for directory in directories {
        let path = "\(directory)/\(name).fbds"
        if access(path, F_OK) == 0 { return try Dataset(path: path) }
      }
    }
    throw DatasetError(
      .notFound, "there is no such data set in \(directories.joined(separator: ", "))",
      remedy: bundledNames.contains(name)
        ? "install FedBridge completely, or name the directory that has \(name).fbds"
        : "the bundled ones are \(bundledNames.joined(separator: " and "))",
      subject: name)
  }

  /// Beside the running program as the package manager builds it, then where packages install data.
  ///
  /// The generated `Bundle.module` is not used: it ends the process where the files are missing.
  private static var installedDirectories: [String] {
    var buffer = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &buffer, buffer.count)
    var directories: [String] = []
    if length > 0 {
      let program = String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
      let folder = program.split(separator: "/").dropLast().map { "/" + $0 }.joined()
      directories += ["\(folder)/FedBridge_Datasets.resources", "\(folder)/../share/fedbridge/datasets"]
    }
    return directories + ["/usr/share/fedbridge/datasets"]
  }
}
