import Glibc

/// A process that has a file open.
public struct PortHolder: Sendable, Hashable, CustomStringConvertible {
  /// Its process id.
  public var pid: Int32
  /// Its name as the kernel knows it, at most 15 bytes, control characters replaced by `?`.
  public var name: String

  /// A holder from its parts.
  public init(pid: Int32, name: String) {
    self.pid = pid
    self.name = name
  }

  /// `ModemManager (pid 812)`.
  public var description: String { "\(name) (pid \(pid))" }

  /// The processes that have the file at `path` open, in the order of their ids; this process can be among them.
  ///
  /// Looks through `/proc/*/fd`. A user who is not root sees only processes of his own, so the answer may be
  /// empty although somebody holds the file. Costs one readlink(2) for each descriptor on the machine.
  public static func find(path: String) -> [PortHolder] {
    var wanted = stat()
    guard stat(path, &wanted) == 0 else { return [] }
    return names(in: "/proc").compactMap { Int32($0) }.sorted().filter { pid in
      names(in: "/proc/\(pid)/fd").contains { isSameFile("/proc/\(pid)/fd/\($0)", as: wanted) }
    }.map { PortHolder(pid: $0, name: processName($0)) }
  }

  /// A running process of this name, whoever owns it; nil if none is to be seen.
  public static func running(_ name: String) -> PortHolder? {
    names(in: "/proc").compactMap { Int32($0) }.sorted().lazy.map {
      PortHolder(pid: $0, name: processName($0))
    }.first { $0.name == name }
  }

  private static func isSameFile(_ link: String, as wanted: stat) -> Bool {
    // Only what looks like a path is asked further: stat(2) on a file of a dead network mount would hang.
    let isDevice = wanted.st_mode & S_IFMT == S_IFCHR
    guard target(of: link)?.hasPrefix(isDevice ? "/dev/" : "/") == true else { return false }
    var open = stat()
    guard stat(link, &open) == 0 else { return false }
    if open.st_dev == wanted.st_dev && open.st_ino == wanted.st_ino { return true }
    // The same device under another name, as in a container. Not for pseudo-terminals: each mount of devpts
    // numbers its own.
    return isDevice && open.st_mode & S_IFMT == S_IFCHR && open.st_rdev == wanted.st_rdev
      && !isPseudoTerminal(wanted)
  }

  private static func target(of link: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { readlink(link, $0.baseAddress!, $0.count) }
    return count >= 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      withUnsafePointer(to: &entry.pointee.d_name) { field in
        field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) {
          names.append(String(cString: $0))
        }
      }
    }
    return names.filter { $0 != "." && $0 != ".." }
  }

  private static func processName(_ pid: Int32) -> String {
    let file = open("/proc/\(pid)/comm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "a process" }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = max(0, read(file, &buffer, buffer.count))
    let name = buffer[..<count].prefix { $0 != 0x0a }
    // A process names itself: what would break a log line is replaced.
    return String(decoding: name.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
  }
}

/// Whether this is the slave side of a Unix 98 pseudo-terminal (majors 136…143 in the kernel's devices.txt).
func isPseudoTerminal(_ status: stat) -> Bool {
  // makedev(3) is a macro that Swift does not see; a major below 4096 stands in bits 8…19.
  let major = (status.st_rdev >> 8) & 0xfff
  return status.st_mode & S_IFMT == S_IFCHR && (136...143).contains(major)
}
