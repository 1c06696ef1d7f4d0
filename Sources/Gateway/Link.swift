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
  /// A serial port: USB CDC-ACM, a UART or a pseudo-terminal.
  case serial(port: String)

  /// As a log line says it, e.g. `ttyACM0` or `pts/3`.
  public var description: String {
    switch self {
    case .serial(let port):
      let parts = port.split(separator: "/")
      // A number alone tells nobody anything.
      let isNumber = parts.last?.allSatisfy(\.isNumber) ?? false
      return parts.isEmpty ? "serial" : parts.suffix(isNumber ? 2 : 1).joined(separator: "/")
    }
  }
}

/// Which way an object travels.
public enum Direction: String, Sendable {
  /// From the gateway to a board.
  case down
  /// From a board to the gateway.
  case up
}
