public import Rounds

/// Number of a link, given by whoever opened it; never used twice.
public struct LinkID: Hashable, Sendable, Comparable {
  /// The number.
  public let rawValue: UInt64

  /// A link's number.
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Whether `a` was opened earlier.
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// What carries a link.
public enum Carrier: Hashable, Sendable, CustomStringConvertible {
  /// A serial port: USB CDC-ACM, a UART or a pseudo-terminal; with the USB serial number of the board behind it, if it
  /// is a board's USB port.
  case serial(port: String, usbSerial: String? = nil)

  /// As a log line says it, e.g. `ttyACM0` or `pts/3`.
  public var description: String {
    switch self {
    case .serial(let port, _):
      let parts = port.split(separator: "/")
      // A number alone tells nobody anything.
      let isNumber = parts.last?.allSatisfy(\.isNumber) ?? false
      return parts.isEmpty ? "serial" : parts.suffix(isNumber ? 2 : 1).joined(separator: "/")
    }
  }

  /// With the USB serial number, if there is one: `ttyACM0 (USB serial 00007F3A21C05D11)`.
  public var withSerial: String {
    switch self {
    case .serial(_, let serial?) where !serial.isEmpty: "\(self) (USB serial \(serial))"
    case .serial: description
    }
  }

  /// The board that the USB serial number says is there.
  ///
  /// A board's serial number is its chip's number and so its identity: 16 hexadecimal digits, which a bootloader pads
  /// with zeros to 32. Any other serial number says nothing.
  public var pluggedBoard: BoardID? {
    guard case .serial(_, let serial?) = self else { return nil }
    let digits = serial.utf8
    guard digits.count == 16 || digits.count == 32,
      digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      digits.dropLast(16).allSatisfy({ $0 == UInt8(ascii: "0") }),
      let number = UInt64(serial.suffix(16), radix: 16),
      number != 0
    else { return nil }
    return BoardID(number)
  }
}

/// Which way an object travels.
public enum Direction: String, Sendable {
  /// From the gateway to a board.
  case down
  /// From a board to the gateway.
  case up
}
