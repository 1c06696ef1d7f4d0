import CLinux
import Glibc

/// The board's end of its link: a pseudo-terminal that it makes, a terminal, or a Unix socket.
struct BoardLink: ~Copyable {
  let descriptor: Int32
  /// Whether the other end may be closed and opened again, as a pseudo-terminal's.
  let outlivesPeer: Bool
  /// The symbolic link to remove at the end, if one was made, and where it leads.
  private let symbolicLink: (path: String, target: String)?

  /// - Parameter path: an existing terminal or socket, or a link to one; otherwise the name that a new
  ///   pseudo-terminal gets.
  init(path: String) throws(LinkError) {
    var status = stat()
    var isThere = lstat(path, &status) == 0
    if isThere, status.st_mode & S_IFMT == S_IFLNK {
      // A link to a pseudo-terminal is one that an earlier run left behind, and is replaced.
      isThere = stat(path, &status) == 0 && !Self.isPseudoTerminal(status)
    }
    switch (isThere, status.st_mode & S_IFMT) {
    case (false, _):
      let (leader, target) = try Self.makePseudoTerminal(linkedFrom: path)
      descriptor = leader
      outlivesPeer = true
      symbolicLink = (path, target)
    case (true, S_IFSOCK):
      descriptor = try Sockets.connect(path: path)
      outlivesPeer = false
      symbolicLink = nil
    case (true, S_IFCHR):
      descriptor = try Self.openTerminal(path)
      outlivesPeer = true
      symbolicLink = nil
    default:
      throw .notALink(path: path)
    }
  }

  deinit {
    close(descriptor)
    // Another board may have taken the name over.
    if let symbolicLink, Self.target(of: symbolicLink.path) == symbolicLink.target {
      unlink(symbolicLink.path)
    }
  }

  private static func target(of link: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = buffer.withUnsafeMutableBytes { readlink(link, $0.baseAddress!, $0.count) }
    return count >= 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  /// Whether this is the follower of a Unix 98 pseudo-terminal (majors 136…143 in the kernel's devices.txt).
  private static func isPseudoTerminal(_ status: stat) -> Bool {
    let major = (status.st_rdev >> 8) & 0xfff
    return status.st_mode & S_IFMT == S_IFCHR && (136...143).contains(major)
  }

  private static func reason() -> String { String(cString: strerror(errno)) }

  private static func makePseudoTerminal(
    linkedFrom path: String
  ) throws(LinkError) -> (leader: Int32, target: String) {
    var name = [CChar](repeating: 0, count: 64)
    let leader = clinux_open_pseudo_terminal(&name, name.count)
    guard leader >= 0 else { throw .pseudoTerminal(reason()) }
    let follower = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard follower >= 0 else { throw .pseudoTerminal(reason()) }
    makeRaw(follower)
    // Closed again, so that the gateway's coming and going shows as hang-up and its end.
    close(follower)
    // Renamed into place: whoever watches the name never finds a half-made one.
    let temporary = path + ".new"
    unlink(temporary)
    guard symlink(name, temporary) == 0, rename(temporary, path) == 0 else {
      throw .symbolicLink(path: path, reason: reason())
    }
    return (leader, name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) })
  }

  private static func openTerminal(_ path: String) throws(LinkError) -> Int32 {
    let descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotOpen(path: path, reason: reason()) }
    makeRaw(descriptor)
    return descriptor
  }

  private static func makeRaw(_ descriptor: Int32) {
    var settings = termios()
    guard tcgetattr(descriptor, &settings) == 0 else { return }
    cfmakeraw(&settings)
    tcsetattr(descriptor, TCSANOW, &settings)
  }
}
