import Glibc

/// An open serial port: raw, exclusive, non-blocking. Closing it tells the board that the conversation is over,
/// because the driver then lowers DTR.
///
/// The descriptor is owned: it is closed when this value goes, unless ``release()`` gave it away.
public struct TTY: ~Copyable {
  /// The port as it was named.
  public let path: String
  /// What is behind the port on USB: asked for after the port was open, while nothing else can take its number. Nil
  /// if it is not a board's USB port, as a pseudo-terminal is not.
  public private(set) var usb: SerialPort?

  private var descriptor: Int32

  /// Opens a port for a board.
  ///
  /// - Raw mode is set before anything is read, so that nothing the board sends is echoed back to it. The first bytes
  ///   may still be stale or cut; the protocol above finds its frames again.
  /// - Exclusive twice: `TIOCEXCL` keeps out every program but root's, flock(2) keeps out those that ask, root's
  ///   among them. Neither evicts a program that is already there.
  /// - 115200 baud. The number means nothing to a USB port, except that 1200 would arm the jump of a stock board into
  ///   its bootloader, and the tty would remember it.
  /// - Works for pseudo-terminals too.
  /// - A board in its bootloader is not opened, whatever name the port has, unless that is wanted.
  ///
  /// Can block: a sick device has 5 s for each request of the driver, and /proc is searched when the port is busy.
  ///
  /// - Parameters:
  ///   - path: a character device, or a link to one.
  ///   - allowsBootloader: whether the bootloader is to be spoken with.
  public static func open(_ path: String, allowsBootloader: Bool = false) throws(TTYError) -> TTY {
    // From here on an error closes the descriptor, because its owner goes.
    var tty = TTY(path: path, descriptor: try openDevice(path, allowsBootloader))
    guard isatty(tty.descriptor) == 1 else { throw .notATerminal(path: path) }
    var status = stat()
    guard fstat(tty.descriptor, &status) == 0 else { throw laterError(errno, path: path) }
    tty.usb = try boardPort(status, path, allowsBootloader)
    try tty.makeExclusive()
    try tty.makeRaw()
    return tty
  }

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    if descriptor >= 0 { Self.end(descriptor) }
  }

  /// Gives the descriptor away: from now on the caller ends it, once, with ``end(_:)``.
  public consuming func release() -> Int32 {
    let released = descriptor
    descriptor = -1
    return released
  }

  /// Sends the board into its bootloader, as every uploader for Arduino's boards does: 1200 baud, then DTR falls. A board
  /// that knows this resets some 200 ms later and comes back as another USB device; nothing is told of one that does not.
  /// Nobody may open the port until then, because DTR would rise again.
  public consuming func touch() throws(TTYError) {
    var mode = termios()
    guard tcgetattr(descriptor, &mode) == 0, cfsetspeed(&mode, speed_t(B1200)) == 0,
      tcsetattr(descriptor, TCSANOW, &mode) == 0
    else { throw Self.laterError(errno, path: path) }
    // The end of this value closes the port, and DTR falls with that too; a device that is gone already is as well.
    var lines = TIOCM_DTR
    _ = ioctl(descriptor, UInt(TIOCMBIC), &lines)
  }

  /// Closes a released descriptor. DTR falls when the last duplicate is closed: that should be this one.
  ///
  /// The kernel waits up to 30 s for what was written to leave, if the device takes nothing. Not for an event loop. The
  /// wait is not cut short by tcflush(3): cdc_acm withdraws its transfers with its lock held, and a host controller's
  /// driver that hands them back at once takes that lock again; the machine stands still. Seen in Linux 6.12 with
  /// vhci_hcd, after its connection broke.
  public static func end(_ descriptor: Int32) {
    close(descriptor)
  }

  /// What is behind a device on USB. A bootloader is refused, if it is not wanted.
  private static func boardPort(
    _ status: stat, _ path: String, _ allowsBootloader: Bool
  ) throws(TTYError) -> SerialPort? {
    guard !isPseudoTerminal(status) else { return nil }
    let port = UdevDevice.port(number: status.st_rdev)
    guard allowsBootloader || port?.kind != .bootloader else { throw .bootloader(path: path) }
    return port
  }

  private static func openDevice(_ path: String, _ allowsBootloader: Bool) throws(TTYError) -> Int32 {
    var status = stat()
    guard stat(path, &status) == 0 else { throw openError(errno, path: path) }
    // Asked before open(2), which on other files may wait, rewind a tape or start a watchdog.
    guard status.st_mode & S_IFMT == S_IFCHR else { throw .notATerminal(path: path) }
    // Opening alone would raise DTR on it.
    _ = try boardPort(status, path, allowsBootloader)
    while true {
      let descriptor = Glibc.open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
      if descriptor >= 0 { return descriptor }
      guard errno == EINTR else { throw openError(errno, path: path) }
    }
  }

  private mutating func makeExclusive() throws(TTYError) {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let reason = errno
      guard reason == EWOULDBLOCK else { throw Self.laterError(reason, path: path) }
      // Closed first, so that the search does not find this attempt. Nothing is flushed: it is another's.
      close(descriptor)
      descriptor = -1
      throw .busy(path: path, holders: PortHolder.find(path: path))
    }
    // Not on a pseudo-terminal: the mark would stay on it as long as its other side is open, even if this process is
    // killed, and the next one of the same user could never open it again. The lock goes with the process.
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.laterError(errno, path: path) }
    if !isPseudoTerminal(status) {
      guard ioctl(descriptor, UInt(TIOCEXCL)) == 0 else { throw Self.laterError(errno, path: path) }
    }
  }

  private func makeRaw() throws(TTYError) {
    var mode = termios()
    guard tcgetattr(descriptor, &mode) == 0 else { throw Self.laterError(errno, path: path) }
    // No line editing, no echo, no signals, no translation, no XON/XOFF; 8 bits, no parity.
    cfmakeraw(&mode)
    // No modem status lines and no RTS/CTS: the board has neither. HUPCL stays: lowering DTR at close is the clean end.
    mode.c_cflag &= ~(tcflag_t(CRTSCTS) | tcflag_t(CSTOPB))
    mode.c_cflag |= tcflag_t(CLOCAL | CREAD | HUPCL)
    withUnsafeMutableBytes(of: &mode.c_cc) {
      $0[Int(VMIN)] = 1
      $0[Int(VTIME)] = 0
    }
    guard cfsetspeed(&mode, speed_t(B115200)) == 0 else { throw Self.laterError(errno, path: path) }
    guard tcsetattr(descriptor, TCSANOW, &mode) == 0 else { throw Self.laterError(errno, path: path) }
    // tcsetattr succeeds when any part of it did: look at what must not be wrong.
    var now = termios()
    guard tcgetattr(descriptor, &now) == 0 else { throw Self.laterError(errno, path: path) }
    guard now.c_lflag & tcflag_t(ICANON | ECHO | ISIG) == 0, cfgetospeed(&now) == speed_t(B115200) else {
      throw .refused(path: path, errno: EINVAL)
    }
    // Input alone: see ``end(_:)``.
    guard tcflush(descriptor, TCIFLUSH) == 0 else { throw Self.laterError(errno, path: path) }
  }

  /// What an errno of stat(2) or open(2) means.
  private static func openError(_ reason: Int32, path: String) -> TTYError {
    switch reason {
    case ENOENT, ENXIO, ENODEV: .noSuchDevice(path: path)
    case EACCES, EPERM: permissionDenied(path)
    case EBUSY: .busy(path: path, holders: PortHolder.find(path: path))
    case EISDIR, ENOTDIR: .notATerminal(path: path)
    case EIO: .inputOutput(path: path, errno: reason)
    default: .refused(path: path, errno: reason)
    }
  }

  /// What an errno means once the port is open.
  private static func laterError(_ reason: Int32, path: String) -> TTYError {
    switch reason {
    case ENODEV, ENXIO: .vanished(path: path)
    // A tty that was hung up answers EIO; so does a sick device, which however stays in place.
    case EIO: access(path, F_OK) == 0 ? .inputOutput(path: path, errno: reason) : .vanished(path: path)
    case ENOTTY: .notATerminal(path: path)
    default: .refused(path: path, errno: reason)
    }
  }

  private static func permissionDenied(_ path: String) -> TTYError {
    var status = stat()
    // No permission to look at it either: the folder is closed.
    guard stat(path, &status) == 0 else { return .refused(path: path, errno: EACCES) }
    return .permissionDenied(
      path: path, group: groupName(status.st_gid), mode: UInt32(status.st_mode & 0o7777))
  }
}
