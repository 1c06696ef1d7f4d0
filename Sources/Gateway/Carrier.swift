public import Rounds

/// What carries a link.
public enum Carrier: Hashable, Sendable, CustomStringConvertible {
  /// A serial port: USB CDC-ACM, a UART or a pseudo-terminal; with the USB serial number of the board behind it, if it
  /// is a board's USB port.
  case serial(port: String, usbSerial: String? = nil)
  /// A connection over Bluetooth Low Energy, encrypted with the bond of a board.
  case bluetooth(BluetoothCarrier)

  /// As a log line says it that names the board, e.g. `ttyACM0`, `pts/3` or `BLE`.
  public var description: String {
    switch self {
    case .serial(let port, _):
      let parts = port.split(separator: "/")
      // A number alone tells nobody anything.
      let isNumber = parts.last?.allSatisfy(\.isNumber) ?? false
      return parts.isEmpty ? "serial" : parts.suffix(isNumber ? 2 : 1).joined(separator: "/")
    case .bluetooth(let carrier):
      return carrier.description
    }
  }

  /// With all that tells it from others: `ttyACM0 (USB serial 00007F3A21C05D11)`, `BLE (hci0, C0:00:C0:FF:EE:01)`.
  public var inFull: String {
    switch self {
    case .serial(_, let serial?) where !serial.isEmpty: "\(self) (USB serial \(serial))"
    case .serial: description
    case .bluetooth(let carrier): "\(carrier) (\(carrier.adapter), \(carrier.address))"
    }
  }

  /// As a log line says it that names no board: of boards over the air only the address tells which one it is.
  public var place: String {
    switch self {
    case .serial: description
    case .bluetooth: inFull
    }
  }

  /// The board that must be there: the USB serial number says which one is plugged in, and the bond which one is
  /// connected.
  ///
  /// A board's serial number is its chip's number and so its identity: 16 hexadecimal digits, which a bootloader pads
  /// with zeros to 32. Any other serial number says nothing.
  public var expectedBoard: BoardID? {
    switch self {
    case .serial(_, let serial): serial.flatMap(Self.board(ofUSBSerial:))
    case .bluetooth(let carrier): carrier.board
    }
  }

  private static func board(ofUSBSerial serial: String) -> BoardID? {
    let digits = serial.utf8
    guard digits.count == 16 || digits.count == 32,
      digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      digits.dropLast(16).allSatisfy({ $0 == UInt8(ascii: "0") }),
      let number = UInt64(serial.suffix(16), radix: 16),
      number != 0
    else { return nil }
    return BoardID(number)
  }

  /// Whether it is a cable: what is said over it nobody hears but who holds its other end.
  public var isCable: Bool {
    switch self {
    case .serial: true
    case .bluetooth: false
    }
  }
}

/// A connection with a bonded board over Bluetooth Low Energy.
public struct BluetoothCarrier: Hashable, Sendable, CustomStringConvertible {
  /// What moves the frames.
  public enum Bearer: Hashable, Sendable {
    /// A channel of its own, with flow control by credits.
    case l2cap
    /// Characteristics of the board's GATT service.
    case gatt
  }

  /// The adapter of the gateway's machine, e.g. `hci0`.
  public var adapter: String
  /// The board's address, e.g. `C0:00:C0:FF:EE:01`.
  public var address: String
  /// What moves the frames.
  public var bearer: Bearer
  /// Whose bond the connection is encrypted with.
  public var board: BoardID

  /// A connection.
  public init(adapter: String, address: String, bearer: Bearer, board: BoardID) {
    self.adapter = adapter
    self.address = address
    self.bearer = bearer
    self.board = board
  }

  /// `BLE`, or `BLE GATT`.
  public var description: String {
    switch bearer {
    case .l2cap: "BLE"
    case .gatt: "BLE GATT"
    }
  }
}
