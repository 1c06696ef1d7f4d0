import Glibc

/// Why a port could not be opened: cause, remedy and a code that never changes.
public enum TTYError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Nothing is there.
  case noSuchDevice(path: String)
  /// The file belongs to `group` with the permission bits `mode` (0…0o7777), and this user is not in it.
  case permissionDenied(path: String, group: String, mode: UInt32)
  /// Another program has it. `holders` is empty when they cannot be seen from here.
  case busy(path: String, holders: [PortHolder])
  /// There is a file, but no terminal.
  case notATerminal(path: String)
  /// A board in its bootloader, which is never opened.
  case bootloader(path: String)
  /// The device answers with this errno.
  case inputOutput(path: String, errno: Int32)
  /// It went away while it was being opened.
  case vanished(path: String)
  /// The process or the system ran out of something, or refused for another reason.
  case refused(path: String, errno: Int32)

  /// Stable, for scripts and for the documentation.
  public var code: String {
    switch self {
    case .noSuchDevice: "tty-no-such-device"
    case .permissionDenied: "tty-permission-denied"
    case .busy: "tty-busy"
    case .notATerminal: "tty-not-a-terminal"
    case .bootloader: "tty-bootloader"
    case .inputOutput: "tty-input-output"
    case .vanished: "tty-vanished"
    case .refused: "tty-refused"
    }
  }

  /// The port in question, as it was named.
  public var path: String {
    switch self {
    case .noSuchDevice(let path), .permissionDenied(let path, _, _), .busy(let path, _),
      .notATerminal(let path), .bootloader(let path),
      .inputOutput(let path, _), .vanished(let path), .refused(let path, _):
      path
    }
  }

  /// What happened, as a clause without a full stop.
  public var cause: String {
    switch self {
    case .noSuchDevice(let path): "there is no device at \(path)"
    case .permissionDenied(let path, let group, let mode):
      "no permission to open \(path) (group \(group), mode 0\(String(mode, radix: 8)))"
    case .busy(let path, let holders) where holders.isEmpty:
      "\(path) is held by another program, which this user cannot see"
    case .busy(let path, let holders):
      "\(path) is held by \(holders.map(describe).joined(separator: " and "))"
    case .notATerminal(let path): "\(path) is not a tty"
    case .bootloader(let path): "\(path) is a board in its bootloader, which is left alone"
    case .inputOutput(let path, let errno): "\(path) does not answer: \(systemMessage(errno))"
    case .vanished(let path): "\(path) went away while it was being opened"
    case .refused(let path, let errno): "\(path) cannot be opened: \(systemMessage(errno))"
    }
  }

  /// What to do, as a clause without a full stop.
  public var remedy: String {
    switch self {
    case .noSuchDevice:
      "plug the board in; if it is, press its reset button twice quickly to start the bootloader"
    case .permissionDenied(_, let group, let mode):
      permissionRemedy(group: group, mode: mode)
    case .busy(let path, let holders) where holders.isEmpty:
      "find it with: sudo fuser -v \(path)"
    case .busy(_, let holders) where holders.contains { $0.name == "ModemManager" }:
      "install the udev rule 70-fedbridge.rules, or run: sudo systemctl stop ModemManager"
    case .busy(_, let holders) where holders.contains { $0.pid == getpid() }:
      "name each port once"
    case .busy(_, let holders):
      "end it, for example with: kill \(holders[0].pid)"
    case .notATerminal: "name a serial port such as /dev/ttyACM0"
    case .bootloader: "press its reset button once to start the firmware"
    case .inputOutput: "check the cable and the power supply, then plug the board in again"
    case .vanished: "nothing, if the board was unplugged or reset; else check the cable"
    case .refused(_, let errno) where errno == EMFILE || errno == ENFILE:
      "raise the limit of open files (LimitNOFILE= in the unit, or ulimit -n)"
    case .refused: "check the path and the system's log"
    }
  }

  /// Whether nobody but this process has the port: it is open already, under this or another name.
  public var isHeldHere: Bool {
    guard case .busy(_, let holders) = self else { return false }
    return !holders.isEmpty && holders.allSatisfy { $0.pid == getpid() }
  }

  /// Cause, remedy and code in one line.
  public var description: String { "\(cause); \(remedy) [\(code)]" }
}

private func describe(_ holder: PortHolder) -> String {
  holder.pid == getpid() ? "this very program (pid \(holder.pid))" : holder.description
}

private func permissionRemedy(group: String, mode: UInt32) -> String {
  let rule = "install the udev rule 70-fedbridge.rules and plug the board in again"
  // Joining the group helps only where the group may read and write, and nobody should join root's.
  guard mode & 0o060 == 0o060, group != "root" else { return rule }
  return "\(rule), or join its group and log in again: sudo usermod -aG \(group) \(userName(geteuid()))"
}
