import Glibc

/// Why BlueZ did not do what was asked for: cause, remedy, what to make of it, and a code that never changes.
public enum BlueZError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No thread could be started for the bus.
  case noThread(errno: CInt)
  /// There is no system bus here, or it cannot be reached.
  case noBus(errno: CInt)
  /// BlueZ does not run and could not be started; `reason` is the bus's.
  case notRunning(reason: String)
  /// BlueZ went away while it was asked.
  case wentAway
  /// No answer in `seconds`.
  case timedOut(asked: String, seconds: Int)
  /// The object is not there any more: BlueZ forgot a board that it did not hear for a while, or an adapter is gone.
  case gone(asked: String)
  /// BlueZ refused: `name` is the error's last part, `text` what it says.
  case refused(asked: String, name: String, text: String)
  /// The connection stood, and this side ended it before anything was said: what the kernel does when a connection
  /// cannot be encrypted with the keys that BlueZ has. BlueZ 5.69 and later say so (`key-missing`).
  case hungUp(asked: String)
  /// A board has not what `what` names.
  case missing(what: String)
  /// A call of the system failed on a socket.
  case socket(call: String, errno: CInt)

  /// What an error means for the next attempt.
  public enum Kind: Sendable, Hashable {
    /// Radio weather: the next attempt may succeed at once.
    case transient
    /// The adapter has no connection left.
    case outOfSlots
    /// The board is not there.
    case missing
    /// The keys of the two do not belong together, or pairing was refused: the same attempt fails again.
    case authentication
    /// A person is needed, or the machine.
    case fatal
  }

  init(_ error: BusError, asked: String, seconds: Int) {
    switch error {
    case .disconnected: self = .wentAway
    case .timedOut: self = .timedOut(asked: asked, seconds: seconds)
    case .notSent(ENOTCONN), .notSent(ECONNRESET), .notSent(ESHUTDOWN): self = .wentAway
    case .notSent(let errno): self = .socket(call: asked, errno: errno)
    case .failed(let name, let text):
      switch name {
      case "org.freedesktop.DBus.Error.UnknownObject", "org.bluez.Error.DoesNotExist":
        self = .gone(asked: asked)
      case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.systemd1.NoSuchUnit", "org.freedesktop.systemd1.UnitMasked":
        self = .notRunning(reason: text)
      case _ where name.hasPrefix("org.freedesktop.DBus.Error.Spawn."):
        self = .notRunning(reason: text)
      default:
        self = .refused(
          asked: asked, name: name.split(separator: ".").last.map(String.init) ?? name, text: text)
      }
    }
  }

  /// What to make of it.
  public var kind: Kind {
    switch self {
    case .noThread, .noBus, .notRunning, .missing: .fatal
    case .wentAway, .timedOut, .hungUp: .transient
    case .gone: .missing
    case .socket(_, let errno):
      switch errno {
      // The kernel's names for a key that the board does not have, and for a security that does not suffice.
      case EACCES, EKEYREJECTED, EPERM: .authentication
      case EMFILE, ENFILE, ENOMEM, EAFNOSUPPORT, EPROTONOSUPPORT: .fatal
      case EHOSTUNREACH, ENODEV: .missing
      default: .transient
      }
    case .refused(_, let name, let text):
      Self.kind(name, text)
    }
  }

  /// By the names of org.bluez.Error and by the `le-connection-*` texts of BlueZ's src/error.h.
  private static func kind(_ name: String, _ text: String) -> Kind {
    switch name {
    case "AuthenticationFailed", "AuthenticationRejected", "AuthenticationCanceled", "AuthenticationTimeout",
      "AlreadyExists":
      return .authentication
    case "NotReady", "NotSupported", "NotPermitted", "AccessDenied": return .fatal
    default: break
    }
    if text.contains("key-missing") { return .authentication }
    if text.contains("concurrent-connection-limit") || text.contains("memory-allocation") {
      return .outOfSlots
    }
    if text.contains("adapter-not-powered") || text.contains("invalid-arguments")
      || text.contains("not-supported")
    {
      return .fatal
    }
    // A timeout is a board out of reach, as a rule.
    if text.contains("timeout") { return .missing }
    return .transient
  }

  /// Stable, for scripts and for the documentation.
  public var code: String {
    switch self {
    case .noThread: "bluetooth-no-thread"
    case .noBus: "bluetooth-no-bus"
    case .notRunning: "bluetooth-not-running"
    case .wentAway: "bluetooth-went-away"
    case .timedOut: "bluetooth-timed-out"
    case .gone: "bluetooth-gone"
    case .hungUp: "bluetooth-hung-up"
    case .missing: "bluetooth-missing"
    case .socket: "bluetooth-socket"
    case .refused:
      switch kind {
      case .authentication: "bluetooth-authentication"
      case .outOfSlots: "bluetooth-out-of-slots"
      case .missing: "bluetooth-out-of-reach"
      case .transient, .fatal: "bluetooth-refused"
      }
    }
  }

  /// What happened, as a clause without a full stop.
  public var cause: String {
    switch self {
    case .noThread(let errno): "no thread for the system bus: \(Self.message(errno))"
    case .noBus(let errno): "the system bus cannot be reached: \(Self.message(errno))"
    case .notRunning(let reason): "BlueZ does not run\(reason.isEmpty ? "" : " (\(reason))")"
    case .wentAway: "BlueZ went away"
    case .timedOut(let asked, let seconds): "\(asked): no answer in \(seconds) s"
    case .gone(let asked): "\(asked): it is not there any more"
    case .refused(let asked, let name, let text): "\(asked): \(text.isEmpty ? name : text) (\(name))"
    case .hungUp(let asked): "\(asked): the connection was ended on this side at once"
    case .missing(let what): "the board has no \(what)"
    case .socket(let call, let errno): "\(call): \(Self.message(errno))"
    }
  }

  /// What to do, as a clause without a full stop.
  public var remedy: String {
    switch self {
    case .noThread: "raise the limit of tasks (TasksMax= in the unit, or ulimit -u)"
    case .noBus: "start D-Bus, or give this program access to /run/dbus/system_bus_socket"
    case .notRunning:
      "install BlueZ and start it: sudo apt install bluez; sudo systemctl enable --now bluetooth"
    case .wentAway: "nothing, it is asked again when it is back; else: journalctl -u bluetooth"
    case .timedOut: "nothing, it is tried again; if it stays so: sudo systemctl restart bluetooth"
    case .gone: "nothing, it is tried again when it is heard"
    case .hungUp: "nothing, it is tried again; if it stays so, pair the board anew"
    case .missing: "is FedBridge's firmware on the board? Flash it"
    case .socket:
      switch kind {
      case .authentication: "pair the board anew: fedbridge forget BOARD, then fedbridge pair BOARD"
      case .fatal: "check the limits of the process and that the kernel has Bluetooth"
      case .transient, .missing, .outOfSlots: "nothing, it is tried again"
      }
    case .refused(_, let name, _):
      switch kind {
      case .authentication: "pair the board anew: fedbridge forget BOARD, then fedbridge pair BOARD"
      case .outOfSlots: "plug in a second adapter, move a board to USB, or lower --bluetooth-links"
      case .missing: "bring the board nearer; nothing if it is switched off"
      case .transient: "nothing, it is tried again; Wi-Fi on the same chip disturbs, a dongle helps"
      case .fatal:
        name == "AccessDenied"
          ? "allow this user to speak to BlueZ: add it to the group bluetooth"
          : "check the adapter: bluetoothctl show"
      }
    }
  }

  /// Cause, remedy and code in one line.
  public var description: String { "\(cause); \(remedy) [\(code)]" }

  private static func message(_ errno: CInt) -> String { String(cString: strerror(errno)) }
}
