/// What runs on a board, as its USB product id tells.
public enum BoardKind: Sendable, Hashable {
  /// A program of the user's, or our firmware: a port worth opening.
  case sketch
  /// The bootloader. It is recognised so that it can be named, and never opened: a SAM-BA monitor takes bytes
  /// that it does not expect for commands.
  case bootloader

  /// Recognises an Arduino Nano 33 BLE (Sense) by the ids that Arduino's core lists for it; nil is any other device.
  ///
  /// Of the four, only `805a` and `025a` are known to be running sketches. `015a` is listed without saying which
  /// of the two it is and counts as a bootloader, because leaving a sketch alone does less harm than writing into
  /// a bootloader.
  public init?(vendor: UInt16, product: UInt16) {
    switch (vendor, product) {
    case (0x2341, 0x805a), (0x2341, 0x025a): self = .sketch
    case (0x2341, 0x005a), (0x2341, 0x015a): self = .bootloader
    default: return nil
    }
  }
}

/// What a USB device says about itself and where it is plugged in. All text comes from the device: escape it before
/// it is shown.
public struct USBIdentity: Sendable, Hashable {
  /// idVendor.
  public var vendor: UInt16
  /// idProduct.
  public var product: UInt16
  /// iSerial as the device gives it; empty if it has none.
  public var serial: String
  /// The place of the plug, stable while the device re-enumerates: udev's `ID_PATH`
  /// (`pci-0000:00:14.0-usb-0:2:1.0`), or the kernel's `1-2` where udev keeps no database.
  public var portPath: String
  /// iProduct; empty if it has none.
  public var productName: String
  /// iManufacturer; empty if it has none.
  public var manufacturer: String

  /// An identity from its parts.
  public init(
    vendor: UInt16, product: UInt16, serial: String, portPath: String, productName: String = "",
    manufacturer: String = ""
  ) {
    self.vendor = vendor
    self.product = product
    self.serial = serial
    self.portPath = portPath
    self.productName = productName
    self.manufacturer = manufacturer
  }

  /// The serial number in the form to compare: upper case, no leading zeros. The bootloader pads the number of the
  /// same chip with zeros to 32 digits, the sketch does not. Empty if the device tells none.
  public var chipSerial: String { String(serial.drop { $0 == "0" }).uppercased() }
}
