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
}
