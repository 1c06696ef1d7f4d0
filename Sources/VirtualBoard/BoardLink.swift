import CLinux
import Glibc

/// The board's end of its link: a pseudo-terminal that it makes, a terminal, or a Unix socket.
struct BoardLink: ~Copyable {
  let descriptor: Int32
  /// Whether the other end may be closed and opened again, as a pseudo-terminal's.
  let outlivesPeer: Bool
  /// The symbolic link to remove at the end, if one was made.
  private let symbolicLink: String?

  /// - Parameter path: an existing terminal or socket; otherwise the name that a new pseudo-terminal gets.
  init(path: String) throws(LinkError) {
    var status = stat()
    let isThere = lstat(path, &status) == 0
    switch (isThere, status.st_mode & S_IFMT) {
    case (false, _), (true, S_IFLNK):
      // A link that an earlier run left behind, or none: a new pseudo-terminal.
      descriptor = try Self.makePseudoTerminal(linkedFrom: path)
      outlivesPeer = true
      symbolicLink = path
    case (true, S_IFSOCK):
      descriptor = try Self.connect(path)
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
    if let symbolicLink { unlink(symbolicLink) }
  }

  private static func reason() -> String { String(cString: strerror(errno)) }

  private static func makePseudoTerminal(linkedFrom path: String) throws(LinkError) -> Int32 {
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
    return leader
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

  private static func connect(_ path: String) throws(LinkError) -> Int32 {
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
      0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard descriptor >= 0, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw .cannotOpen(path: path, reason: "its name is too long for a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else { throw .cannotOpen(path: path, reason: reason()) }
    return descriptor
  }
}
