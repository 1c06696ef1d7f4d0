import CUdev
import Glibc

/// libudev's view of the ttys: a monitor and a listing.
///
/// Not `Sendable`: a libudev context is for one thread at a time.
final class UdevTTYSource {
  /// One reading of the monitor.
  enum Reading {
    /// The port is there, after udev's rules ran.
    case seen(SerialPort)
    /// The port at this device path is gone, or is none of ours.
    case lost(devicePath: String)
    /// Nothing is waiting.
    case empty
    /// The socket's buffer was full and events are lost; only a new listing helps.
    case overflowed
    /// The monitor is broken for good.
    case failed(errno: Int32)
  }

  private let udev: OpaquePointer
  private let monitor: OpaquePointer

  /// Readable when ``read()`` has something to tell.
  let descriptor: Int32

  /// Whether a udev daemon runs here now. Without one libudev's monitor stays silent and its database is empty, which
  /// is the case in most containers.
  static var daemonRuns: Bool { access("/run/udev/control", F_OK) == 0 }

  /// Opens a monitor that receives from this moment on: list after it, never before.
  ///
  /// One that was opened while no daemon ran may stay silent for ever: libudev then subscribes to nothing, unless /dev
  /// is the kernel's own.
  init() throws(SerialWatchError) {
    guard let udev = udev_new() else { throw SerialWatchError(call: "udev_new", errno: errno) }
    // "udev" rather than "kernel": after the rules, when node, group and links exist.
    guard let monitor = udev_monitor_new_from_netlink(udev, "udev") else {
      let reason = errno
      udev_unref(udev)
      throw SerialWatchError(call: "udev_monitor_new_from_netlink", errno: reason)
    }
    var result = udev_monitor_filter_add_match_subsystem_devtype(monitor, "tty", nil)
    if result >= 0 { result = udev_monitor_enable_receiving(monitor) }
    guard result >= 0 else {
      udev_monitor_unref(monitor)
      udev_unref(udev)
      throw SerialWatchError(call: "udev_monitor_enable_receiving", errno: -result)
    }
    self.udev = udev
    self.monitor = monitor
    descriptor = udev_monitor_get_fd(monitor)
  }

  deinit {
    udev_monitor_unref(monitor)
    udev_unref(udev)
  }

  /// Takes the next event off the monitor; never waits.
  func read() -> Reading {
    errno = 0
    guard let device = udev_monitor_receive_device(monitor) else {
      switch errno {
      case 0, EAGAIN, EINTR: return .empty
      case ENOBUFS: return .overflowed
      case let reason: return .failed(errno: reason)
      }
    }
    // A device from the monitor is a reference of ours; its parents are not.
    defer { udev_device_unref(device) }
    let path = UdevDevice.text(udev_device_get_syspath(device))
    if UdevDevice.text(udev_device_get_action(device)) == "remove" {
      // A removal that waited here while the next board took the same place in /sys is not that board's.
      return currentPort(devicePath: path).map(Reading.seen) ?? .lost(devicePath: path)
    }
    return UdevDevice.port(device).map(Reading.seen) ?? .lost(devicePath: path)
  }

  /// The port that is at this place in /sys now. The kernel empties the place before it tells of a removal.
  private func currentPort(devicePath: String) -> SerialPort? {
    guard let device = udev_device_new_from_syspath(udev, devicePath) else { return nil }
    defer { udev_device_unref(device) }
    return UdevDevice.port(device)
  }

  /// Forgets what is waiting.
  func discardWaiting() {
    while true {
      switch read() {
      case .empty, .failed: return
      case .seen, .lost, .overflowed: continue
      }
    }
  }

  /// All ports of boards that are there now, and whether udev is done with them.
  func list() throws(SerialWatchError) -> [(port: SerialPort, isReady: Bool)] {
    guard let enumerate = udev_enumerate_new(udev) else {
      throw SerialWatchError(call: "udev_enumerate_new", errno: errno)
    }
    defer { udev_enumerate_unref(enumerate) }
    udev_enumerate_add_match_subsystem(enumerate, "tty")
    let result = udev_enumerate_scan_devices(enumerate)
    guard result >= 0 else { throw SerialWatchError(call: "udev_enumerate_scan_devices", errno: -result) }
    let needsRules = Self.daemonRuns
    var ports: [(port: SerialPort, isReady: Bool)] = []
    var entry = udev_enumerate_get_list_entry(enumerate)
    while let current = entry {
      entry = udev_list_entry_get_next(current)
      // Nil when the device went away since the scan: its removal is on the way.
      guard let device = udev_device_new_from_syspath(udev, udev_list_entry_get_name(current)) else {
        continue
      }
      defer { udev_device_unref(device) }
      if let port = UdevDevice.port(device) {
        ports.append((port, !needsRules || udev_device_get_is_initialized(device) != 0))
      }
    }
    return ports
  }
}
