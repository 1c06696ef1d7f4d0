import Glibc

/// A pseudo-terminal of the kernel's: `path` is what a board's port would be, the master is the board's side.
final class PseudoTerminal {
  let master: Int32
  let path: String

  init() {
    var (master, slave) = (Int32(-1), Int32(-1))
    var name = [CChar](repeating: 0, count: 256)
    precondition(
      openpty(&master, &slave, nil, nil, nil) == 0 && ttyname_r(slave, &name, name.count) == 0,
      "no pseudo-terminal to be had")
    _ = fcntl(master, F_SETFD, FD_CLOEXEC)
    close(slave)
    self.master = master
    path = name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { close(master) }
}

/// Closes a descriptor at the end of a test.
final class Descriptor {
  let number: Int32
  init(_ number: Int32) { self.number = number }
  deinit { close(number) }
}

/// Makes root an ordinary user for this thread's file accesses, with setfsuid(2), which takes the privileges over
/// files away as well. Any other user has none to lose. The function is looked up because Swift's Glibc module
/// leaves its header out.
func giveUpPrivilegesOverFiles() {
  guard geteuid() == 0, let setfsuid = dlsym(nil, "setfsuid") else { return }
  _ = unsafeBitCast(setfsuid, to: (@convention(c) (uid_t) -> Int32).self)(65_534)
}
