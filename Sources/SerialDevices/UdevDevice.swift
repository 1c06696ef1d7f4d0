import CUdev
import Glibc

/// What libudev knows of a tty, read as a board's port.
enum UdevDevice {
  /// The board's port that this tty is; nil if it has no node or is not a board's.
  static func port(_ device: OpaquePointer) -> SerialPort? {
    guard let node = udev_device_get_devnode(device),
      let parent = udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device"),
      let vendor = UInt16(attribute(parent, "idVendor"), radix: 16),
      let product = UInt16(attribute(parent, "idProduct"), radix: 16),
      let kind = BoardKind(vendor: vendor, product: product)
    else { return nil }
    let place = property(device, "ID_PATH")
    return SerialPort(
      devicePath: text(udev_device_get_syspath(device)), node: String(cString: node),
      attachment: UInt32(attribute(parent, "devnum")) ?? 0,
      usb: USBIdentity(
        vendor: vendor, product: product, serial: attribute(parent, "serial"),
        portPath: place.isEmpty ? text(udev_device_get_sysname(parent)) : place,
        productName: attribute(parent, "product"), manufacturer: attribute(parent, "manufacturer")),
      kind: kind, isModemCandidate: isModemCandidate(device, parent))
  }

  /// The board's port with this device number; nil if it is not a board's, or libudev is of no use here.
  static func port(number: dev_t) -> SerialPort? {
    guard let udev = udev_new() else { return nil }
    defer { udev_unref(udev) }
    guard let device = udev_device_new_from_devnum(udev, CChar(UInt8(ascii: "c")), number) else { return nil }
    defer { udev_device_unref(device) }
    return port(device)
  }

  /// ModemManager's own rules make every tty on USB a candidate; two marks, of which our rule sets both, take it off.
  private static func isModemCandidate(_ device: OpaquePointer, _ parent: OpaquePointer) -> Bool {
    property(device, "ID_MM_CANDIDATE") == "1" && property(device, "ID_MM_PORT_IGNORE") != "1"
      && property(parent, "ID_MM_DEVICE_IGNORE") != "1"
  }

  static func text(_ pointer: UnsafePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
  }

  /// A property of udev's database; empty if the device does not have it.
  private static func property(_ device: OpaquePointer, _ name: String) -> String {
    text(udev_device_get_property_value(device, name))
  }

  /// An attribute from /sys; empty if the device does not have it. Read from /sys and not from udev's database or
  /// /dev/serial/by-id, which was missing from some releases of systemd.
  private static func attribute(_ device: OpaquePointer, _ name: String) -> String {
    text(udev_device_get_sysattr_value(device, name))
  }
}
