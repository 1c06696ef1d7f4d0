import Glibc

extension Dataset {
  /// The most bytes that are read from a file: none of the data sets here is near it.
  static let largestFile = 256 << 20

  /// Reads the file at `path`.
  ///
  /// - Throws: ``DatasetError`` that names the file: `unreadable`, or what ``init(parsing:)`` throws.
  public init(path: String) throws(DatasetError) {
    let bytes = try Self.read(path)
    do {
      try self.init(parsing: bytes)
    } catch {
      throw error.about(path)
    }
  }

  /// Writes the file at `path`, so that at any moment it is the old one or the whole new one.
  ///
  /// - Throws: ``DatasetError`` with code `unwritable`.
  public func write(to path: String) throws(DatasetError) {
    let temporary = path + ".new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw Self.unwritable(path) }
    guard Self.writeAll(encode(), to: file), fsync(file) == 0, rename(temporary, path) == 0 else {
      let error = Self.unwritable(path)
      close(file)
      unlink(temporary)
      throw error
    }
    close(file)
  }

  /// Whether all bytes were written; errno says why not.
  private static func writeAll(_ bytes: [UInt8], to file: Int32) -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      written += count
    }
    return true
  }

  private static func read(_ path: String) throws(DatasetError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw unreadable(path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = block.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { return bytes }
      bytes += block[..<count]
      guard bytes.count <= largestFile else {
        throw DatasetError(
          .unreadable, "it is larger than \(largestFile >> 20) MiB", remedy: "name a smaller file",
          subject: path)
      }
    }
  }

  private static func unreadable(_ path: String) -> DatasetError {
    let cause = errno
    let remedy =
      switch cause {
      case ENOENT: "check the path"
      case EACCES: "make it readable for the user that runs this"
      default: "check the file and its disk"
      }
    return DatasetError(.unreadable, "cannot be read: \(text(of: cause))", remedy: remedy, subject: path)
  }

  private static func unwritable(_ path: String) -> DatasetError {
    let cause = errno
    let remedy =
      switch cause {
      case ENOSPC, EDQUOT: "free some space"
      case ENOENT: "make its directory"
      case EACCES, EROFS: "make its directory writable for the user that runs this, or choose another"
      default: "check the directory and its disk"
      }
    return DatasetError(.unwritable, "cannot be written: \(text(of: cause))", remedy: remedy, subject: path)
  }

  private static func text(of error: Int32) -> String { String(cString: strerror(error)) }
}
