/// One stay of one device in one USB socket, from plug to unplug. Never the same twice, whatever tty number it gets.
public struct Plugging: Sendable, Hashable {
  /// The kernel's name of the port, its path below /sys.
  public var devicePath: String
  /// The number that the USB bus gave the device when it was attached.
  public var attachment: UInt32

  /// A plugging from its parts.
  public init(devicePath: String, attachment: UInt32) {
    self.devicePath = devicePath
    self.attachment = attachment
  }

  /// The place on the bus: the path below /sys of the USB device, or all of ``devicePath`` if there is none in it.
  public var socket: String {
    // …/1-2/1-2:1.0/tty/ttyACM0: a device, an interface of it, the tty.
    let parts = devicePath.split(separator: "/", omittingEmptySubsequences: false)
    for (device, interface) in zip(parts.indices, parts.indices.dropFirst())
    where !parts[device].isEmpty && parts[interface].hasPrefix(parts[device] + ":") {
      return parts[...device].joined(separator: "/")
    }
    return devicePath
  }
}

/// A serial port of a board that is plugged in.
public struct SerialPort: Sendable, Hashable {
  /// The kernel's name of this port, its path below /sys. The key of ``PortInventory``.
  public var devicePath: String
  /// What to open, such as `/dev/ttyACM0`. It changes from one plugging to the next and identifies nothing.
  public var node: String
  /// The number that the USB bus gave the device when it was attached. A device plugged out and in again has
  /// another one, even where everything else is the same.
  public var attachment: UInt32
  /// What the USB device behind the port says about itself.
  public var usb: USBIdentity
  /// What runs on the board.
  public var kind: BoardKind
  /// Whether udev leaves the port to ModemManager, which then opens it and writes modem commands to the board.
  public var isModemCandidate: Bool

  /// A port from its parts.
  public init(
    devicePath: String, node: String, attachment: UInt32, usb: USBIdentity, kind: BoardKind,
    isModemCandidate: Bool = false
  ) {
    self.devicePath = devicePath
    self.node = node
    self.attachment = attachment
    self.usb = usb
    self.kind = kind
    self.isModemCandidate = isModemCandidate
  }

  /// This stay of this device in this socket.
  public var plugging: Plugging { Plugging(devicePath: devicePath, attachment: attachment) }

  /// The place on the bus that the board is plugged into: the path below /sys of its USB device, such as
  /// `/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2`. It is the same for the board and its bootloader, whatever number
  /// the tty gets and whatever serial number each of them tells.
  public var socket: String { plugging.socket }

  /// The boards that are plugged in now, and whose ports udev is done with, in the order of their nodes.
  public static func present() throws(SerialWatchError) -> [SerialPort] {
    try UdevTTYSource().list().filter(\.isReady).map(\.port).sorted { $0.node < $1.node }
  }

  /// Whether `other` is the same plugging of the same device on the same port, so that a descriptor opened on one
  /// serves the other.
  func isSamePlugging(as other: SerialPort) -> Bool {
    devicePath == other.devicePath && attachment == other.attachment && kind == other.kind
      && usb.vendor == other.usb.vendor && usb.product == other.usb.product && usb.serial == other.usb.serial
  }
}

/// What happened to a port.
public enum PortEvent: Sendable, Hashable {
  /// A port that was not there before.
  case appeared(SerialPort)
  /// A port that stays. Its node name or its texts are others, or udev's rules ran over it again, after which its
  /// permissions may be others. What is open stays open.
  case changed(SerialPort)
  /// A port that is gone; as it was last known.
  case vanished(SerialPort)
}
