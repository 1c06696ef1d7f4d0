import Glibc

/// A pseudo-terminal: `path` is what a board's port would be, `leader` is the board's side.
final class PseudoTerminal: Sendable {
  let leader: Int32
  let path: String

  init() throws {
    var (leader, follower) = (Int32(-1), Int32(-1))
    var name = [CChar](repeating: 0, count: 256)
    guard openpty(&leader, &follower, nil, nil, nil) == 0, ttyname_r(follower, &name, name.count) == 0 else {
      throw Failure("no pseudo-terminal to be had")
    }
    _ = fcntl(leader, F_SETFD, FD_CLOEXEC)
    _ = fcntl(leader, F_SETFL, O_RDWR | O_NONBLOCK)
    var mode = termios()
    tcgetattr(follower, &mode)
    cfmakeraw(&mode)
    tcsetattr(follower, TCSANOW, &mode)
    close(follower)
    self.leader = leader
    path = name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { close(leader) }

  /// The port as log lines call it.
  var port: String { "pts/" + (path.split(separator: "/").last ?? "") }

  /// Writes all bytes to whoever has the port open, unless `isOver` says that nobody needs them any more or the
  /// port is closed.
  func write(_ bytes: [UInt8], unless isOver: () -> Bool) {
    var done = 0
    while done < bytes.count, !isOver() {
      let count = bytes[done...].withUnsafeBytes { Glibc.write(leader, $0.baseAddress, $0.count) }
      if count > 0 {
        done += count
        continue
      }
      guard count < 0, errno == EAGAIN || errno == EINTR else { return }
      var descriptor = pollfd(fd: leader, events: Int16(POLLOUT), revents: 0)
      poll(&descriptor, 1, 20)
    }
  }
}
