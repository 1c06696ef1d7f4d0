public import Bytes
import LinkProtocol

/// What a board says of itself to everybody who connects, before any pairing (Protocols/gatt.md §3.1).
public struct BoardIdentity: Sendable, Equatable {
  /// Octets of the characteristic. Later versions may append; readers take no notice of more.
  public static let byteCount = 16

  /// What the board would do with a gateway now.
  public struct Flags: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// Flags of these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// It would pair with a gateway that it does not know.
    public static let pairingAllowed = Flags(rawValue: 1)
    /// It holds a secret that a gateway left over a cable, and would pair with that gateway by it.
    public static let pairingByCable = Flags(rawValue: 2)
    /// Data is taken only over a connection whose pairing was authenticated.
    public static let authenticationRequired = Flags(rawValue: 4)
  }

  /// The number that names it on every carrier.
  public var board: UInt64
  /// What it would do now.
  public var flags: Flags
  /// PSM of its L2CAP channel; 0 if it has none.
  public var psm: UInt16
  /// Oldest and newest version of the link protocol that it speaks.
  public var oldestProtocol: UInt8
  /// See ``oldestProtocol``.
  public var newestProtocol: UInt8
  /// The longest frame that it takes, in octets.
  public var maximumFrame: UInt16

  /// An identity of these parts.
  public init(
    board: UInt64, flags: Flags = [], psm: UInt16, oldestProtocol: UInt8 = 1, newestProtocol: UInt8 = 1,
    maximumFrame: UInt16
  ) {
    self.board = board
    self.flags = flags
    self.psm = psm
    self.oldestProtocol = oldestProtocol
    self.newestProtocol = newestProtocol
    self.maximumFrame = maximumFrame
  }

  /// Appends the ``byteCount`` octets of the characteristic.
  public func append(to bytes: inout BoundedBytes) {
    bytes.append(1)
    bytes.append(flags.rawValue)
    bytes.append(littleEndian: UInt64(psm), width: 2)
    bytes.append(littleEndian: board, width: 8)
    bytes.append(oldestProtocol)
    bytes.append(newestProtocol)
    bytes.append(littleEndian: UInt64(maximumFrame), width: 2)
  }

  /// Reads what ``append(to:)`` wrote, or a later version of it; nil for anything else.
  public init?(parsing octets: Span<UInt8>) {
    guard octets.count >= Self.byteCount, octets[0] >= 1, let psm = octets.littleEndian16(at: 2),
      let board = octets.littleEndian(at: 4, width: 8), let maximumFrame = octets.littleEndian16(at: 14)
    else { return nil }
    self.init(
      board: board, flags: Flags(rawValue: octets[1]), psm: psm, oldestProtocol: octets[12],
      newestProtocol: octets[13], maximumFrame: maximumFrame)
  }

  /// Appends the number in 16 hexadecimal digits, as the USB serial number has it.
  func appendSerialNumber(to bytes: inout BoundedBytes) {
    for i in 0..<16 {
      let digit = UInt8(truncatingIfNeeded: board >> UInt64(60 - 4 * i)) & 15
      bytes.append(digit < 10 ? 0x30 + digit : 0x37 + digit)
    }
  }
}

/// What a board calls itself: the values of the Device Information service, and the name it advertises.
public struct DeviceTexts: Sendable {
  /// The name that people see; what is longer than 29 octets is cut in the scan response.
  public var name: ShortText
  /// See Device Information, Manufacturer Name String.
  public var manufacturer: ShortText
  /// See Device Information, Model Number String.
  public var model: ShortText
  /// See Device Information, Firmware Revision String.
  public var firmware: ShortText
  /// See Device Information, Hardware Revision String.
  public var hardware: ShortText

  /// Texts of a board.
  public init(
    name: ShortText, manufacturer: ShortText, model: ShortText, firmware: ShortText, hardware: ShortText
  ) {
    self.name = name
    self.manufacturer = manufacturer
    self.model = model
    self.firmware = firmware
    self.hardware = hardware
  }
}
