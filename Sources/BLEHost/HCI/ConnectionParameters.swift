import Bytes

/// How often two devices meet on a connection, and how long either may stay silent (Core specification, Vol 6 Part B
/// §4.5.1), in the units of HCI.
public struct ConnectionParameters: Sendable, Equatable {
  /// Shortest time between two connection events, in units of 1.25 ms: 6…3200.
  public var minimumInterval: UInt16
  /// Longest time between two connection events, in units of 1.25 ms: 6…3200.
  public var maximumInterval: UInt16
  /// Connection events that the peripheral may sleep through: 0…499.
  public var latency: UInt16
  /// Silence after which the connection is lost, in units of 10 ms: 10…3200.
  public var supervisionTimeout: UInt16

  /// Number of octets as they go over the air and over HCI.
  static let byteCount = 8

  /// Parameters of these values, in the units of HCI.
  public init(
    minimumInterval: UInt16, maximumInterval: UInt16, latency: UInt16, supervisionTimeout: UInt16
  ) {
    self.minimumInterval = minimumInterval
    self.maximumInterval = maximumInterval
    self.latency = latency
    self.supervisionTimeout = supervisionTimeout
  }

  /// What carries objects well: meetings every 7.5 to 15 ms, none slept through, and 4 s of patience where Linux
  /// would have 420 ms.
  public static let quick = ConnectionParameters(
    minimumInterval: 6, maximumInterval: 12, latency: 0, supervisionTimeout: 400)

  /// Whether they are what the specification allows: every field in its range, and time for two meetings at least
  /// before the connection counts as lost.
  public var areValid: Bool {
    guard minimumInterval >= 6, minimumInterval <= maximumInterval, maximumInterval <= 3200, latency < 500,
      supervisionTimeout >= 10, supervisionTimeout <= 3200
    else { return false }
    // (1 + latency) · interval · 2 < timeout, in units of 1.25 ms.
    return (1 + UInt32(latency)) * UInt32(maximumInterval) * 2 < UInt32(supervisionTimeout) * 8
  }

  /// Whether a connection with this interval and latency is as these ask for.
  func areMet(interval: UInt16, latency: UInt16) -> Bool {
    interval >= minimumInterval && interval <= maximumInterval && latency <= self.latency
  }

  func append(to bytes: inout BoundedBytes) {
    bytes.append(littleEndian: UInt64(minimumInterval), width: 2)
    bytes.append(littleEndian: UInt64(maximumInterval), width: 2)
    bytes.append(littleEndian: UInt64(latency), width: 2)
    bytes.append(littleEndian: UInt64(supervisionTimeout), width: 2)
  }
}
