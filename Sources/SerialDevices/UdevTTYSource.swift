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

  /// Whether a udev daemon runs here. Without one libudev's monitor stays silent and its database is empty, which
  /// is the case in most containers.
  let daemonRuns: Bool

  /// Opens a monitor that receives from this moment on: list after it, never before.
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
    daemonRuns = access("/run/udev/control", F_OK) == 0
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
    let path = text(udev_device_get_syspath(device))
    if text(udev_device_get_action(device)) == "remove" { return .lost(devicePath: path) }
    return port(device).map(Reading.seen) ?? .lost(devicePath: path)
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

  /// All ports of boards that are there now.
  func list() throws(SerialWatchError) -> [SerialPort] {
    guard let enumerate = udev_enumerate_new(udev) else {
      throw SerialWatchError(call: "udev_enumerate_new", errno: errno)
    }
    defer { udev_enumerate_unref(enumerate) }
    udev_enumerate_add_match_subsystem(enumerate, "tty")
    let result = udev_enumerate_scan_devices(enumerate)
    guard result >= 0 else { throw SerialWatchError(call: "udev_enumerate_scan_devices", errno: -result) }
    var ports: [SerialPort] = []
    var entry = udev_enumerate_get_list_entry(enumerate)
    while let current = entry {
      entry = udev_list_entry_get_next(current)
      // Nil when the device went away since the scan: its removal is on the way.
      guard let device = udev_device_new_from_syspath(udev, udev_list_entry_get_name(current)) else {
        continue
      }
      defer { udev_device_unref(device) }
      // Before its rules ran a node may still have the wrong group; the monitor tells when they did.
      if daemonRuns && udev_device_get_is_initialized(device) == 0 { continue }
      if let port = port(device) { ports.append(port) }
    }
    return ports
  }

  /// The board's port that this tty is; nil if it has no node or is not a board's.
  private func port(_ device: OpaquePointer) -> SerialPort? {
    guard let node = udev_device_get_devnode(device),
      let parent = udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device"),
      let vendor = UInt16(attribute(parent, "idVendor"), radix: 16),
      let product = UInt16(attribute(parent, "idProduct"), radix: 16),
      let kind = BoardKind(vendor: vendor, product: product)
    else { return nil }
    let place = text(udev_device_get_property_value(device, "ID_PATH"))
    return SerialPort(
      devicePath: text(udev_device_get_syspath(device)), node: String(cString: node),
      attachment: UInt32(attribute(parent, "devnum")) ?? 0,
      usb: USBIdentity(
        vendor: vendor, product: product, serial: attribute(parent, "serial"),
        portPath: place.isEmpty ? text(udev_device_get_sysname(parent)) : place,
        productName: attribute(parent, "product"), manufacturer: attribute(parent, "manufacturer")),
      kind: kind)
  }

  /// An attribute from /sys; empty if the device does not have it. Read from /sys and not from udev's database or
  /// /dev/serial/by-id, which was missing from some releases of systemd.
  private func attribute(_ device: OpaquePointer, _ name: String) -> String {
    text(udev_device_get_sysattr_value(device, name))
  }

  private func text(_ pointer: UnsafePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
  }
}
