import Glibc

/// Stream sockets of unix(7), each call with its error.
enum UnixSocket {
  /// The longest path in bytes: that of an address, less the zero at its end.
  static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// How an attempt to connect ended.
  enum Attempt {
    /// Somebody listens. The caller closes the descriptor, which does not block.
    case connected(CInt)
    /// Nobody is there: there is no such file, or the program that made it is gone.
    case nobody
    /// The system's reason.
    case failed(errno: CInt)
  }

  /// Connects to a socket; that never waits.
  static func connect(to path: String) throws(ControlError) -> Attempt {
    var address = try address(path)
    let descriptor = socket(AF_UNIX, streamKind, 0)
    guard descriptor >= 0 else { return .failed(errno: errno) }
    let result = withAddress(&address) { Glibc.connect(descriptor, $0, $1) }
    if result == 0 { return .connected(descriptor) }
    let problem = errno
    close(descriptor)
    return problem == ECONNREFUSED || problem == ENOENT ? .nobody : .failed(errno: problem)
  }

  /// Makes a socket at a path where nothing is. Nobody can connect to it before listen(2), so there is time to set
  /// its permissions.
  static func bind(to path: String) throws(ControlError) -> CInt {
    var address = try address(path)
    let descriptor = socket(AF_UNIX, streamKind, 0)
    guard descriptor >= 0 else { throw .cannotListen(path: path, detail: text(errno)) }
    guard withAddress(&address, { Glibc.bind(descriptor, $0, $1) }) == 0 else {
      let problem = errno
      close(descriptor)
      throw problem == EADDRINUSE
        ? .inUse(path: path, pid: nil) : .cannotListen(path: path, detail: text(problem))
    }
    return descriptor
  }

  /// What an errno means, in words.
  static func text(_ code: CInt) -> String { String(cString: strerror(code)) }

  /// Closed on exec, so that programs that the gateway starts do not keep the socket open.
  private static let streamKind = CInt(
    SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)

  private static func address(_ path: String) throws(ControlError) -> sockaddr_un {
    guard path.utf8.count <= longestPath else { throw .pathTooLong(path: path) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return address
  }

  private static func withAddress(
    _ address: inout sockaddr_un, _ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
