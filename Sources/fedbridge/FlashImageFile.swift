import Foundation

/// The file of an image.
struct FlashImageFile {
  /// Where it is.
  let path: String
  /// What it holds.
  let content: [UInt8]

  /// What the image of a board is called that was built or installed with this program.
  private static let name = "nano33ble.bin"
  /// No image is longer, not even as text.
  private static let longest = 8 * 1_048_576

  /// Why there is no image.
  enum Failure: FlashFailure, Hashable {
    case notFound(looked: [String])
    case unreadable(path: String, reason: String)
    case notAFile(path: String)
    case tooLong(path: String)

    var code: String {
      switch self {
      case .notFound: "image-not-found"
      case .unreadable: "image-unreadable"
      case .notAFile: "image-not-a-file"
      case .tooLong: "image-file-too-long"
      }
    }

    var cause: String {
      switch self {
      case .notFound(let looked): "no image is named, and there is none at \(looked.joined(separator: ", "))"
      case .unreadable(let path, let reason): "\(path) cannot be read (\(reason))"
      case .notAFile(let path): "\(path) is no file"
      case .tooLong(let path): "\(path) is longer than any image"
      }
    }

    var remedy: String {
      switch self {
      case .notFound: "build one with Scripts/build-firmware nano33ble, or name one"
      case .unreadable: "check the path and its permissions"
      case .notAFile, .tooLong: "name an image"
      }
    }
  }

  /// Reads the file at `path`, or the image that came with this program.
  init(path: String?) throws(Failure) {
    if let path { self.path = path } else { self.path = try Self.bundled() }
    do {
      let url = URL(fileURLWithPath: self.path).resolvingSymlinksInPath()
      let values = try url.resourceValues(forKeys: [.isRegularFileKey, .fileSizeKey])
      // A device might never end.
      guard values.isRegularFile == true else { throw Failure.notAFile(path: self.path) }
      guard values.fileSize ?? 0 <= Self.longest else { throw Failure.tooLong(path: self.path) }
      content = Array(try Data(contentsOf: url))
    } catch let failure as Failure {
      throw failure
    } catch {
      let isThere = FileManager.default.fileExists(atPath: self.path)
      throw .unreadable(path: self.path, reason: isThere ? "no permission" : "there is no such file")
    }
  }

  private static func bundled() throws(Failure) -> String {
    let places = candidates(
      program: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "",
      directory: FileManager.default.currentDirectoryPath)
    guard let found = places.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw .notFound(looked: places)
    }
    return found
  }

  /// Where the image may be: installed with the program, or built in the source tree that the program or the working
  /// directory is in.
  static func candidates(program: String, directory: String) -> [String] {
    let own = URL(fileURLWithPath: program).deletingLastPathComponent()
    var places = [
      own.appendingPathComponent(name).path,
      own.deletingLastPathComponent().appendingPathComponent("share/fedbridge/\(name)").path,
    ]
    // .build/<triple>/release, from which the tree is three folders up, and folders within the tree.
    for start in [own, URL(fileURLWithPath: directory)] {
      var folder = start
      for _ in 0..<4 {
        places.append(folder.appendingPathComponent("build/firmware/\(name)").path)
        guard folder.path != "/" else { break }
        folder.deleteLastPathComponent()
      }
    }
    return places.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}
