import Glibc

/// A Bluetooth controller that speaks H4 on a socket.
struct ControllerSocket: ~Copyable {
  let descriptor: Int32

  /// - Parameter name: the path of a Unix socket, or `HOST:PORT` of a TCP socket, `[HOST]:PORT` for IPv6 addresses.
  init(name: String) throws(LinkError) {
    if let colon = name.lastIndex(of: ":"), let port = UInt16(name[name.index(after: colon)...]), port > 0 {
      descriptor = try Self.connect(host: String(name[..<colon]), port: port, name: name)
    } else {
      descriptor = try Sockets.connect(path: name)
    }
  }

  deinit { close(descriptor) }

  private static func connect(host: String, port: UInt16, name: String) throws(LinkError) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV
    var addresses: UnsafeMutablePointer<addrinfo>?
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    let status = getaddrinfo(
      isBracketed ? String(host.dropFirst().dropLast()) : host, String(port), &hints, &addresses)
    guard status == 0, let addresses else {
      throw .cannotOpen(path: name, reason: String(cString: gai_strerror(status)))
    }
    defer { freeaddrinfo(addresses) }
    var reason = "it has no address"
    var next: UnsafeMutablePointer<addrinfo>? = addresses
    while let address = next?.pointee {
      let descriptor = socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
      if descriptor >= 0, Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 {
        // HCI packets are small and wait for each other's answers.
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        return descriptor
      }
      reason = String(cString: strerror(errno))
      if descriptor >= 0 { close(descriptor) }
      next = address.ai_next
    }
    throw .cannotOpen(path: name, reason: reason)
  }
}

/// What links and controllers share.
enum Sockets {
  /// A stream socket, connected to the Unix socket at `path`.
  static func connect(path: String) throws(LinkError) -> Int32 {
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
      0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard descriptor >= 0, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      if descriptor >= 0 { close(descriptor) }
      throw .cannotOpen(path: path, reason: "its name is too long for a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw .cannotOpen(path: path, reason: reason)
    }
    return descriptor
  }
}
