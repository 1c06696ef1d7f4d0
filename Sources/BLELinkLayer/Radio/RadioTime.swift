/// A moment on the radio's clock: a counter of microseconds that wraps after 71 minutes, as a timer of the hardware
/// counts them. Two moments are compared by how far apart they are, which must be less than 35 minutes.
public struct RadioTime: Sendable, Equatable {
  /// Microseconds, modulo 2³².
  public var microseconds: UInt32

  /// The moment at which the counter shows `microseconds`.
  public init(microseconds: UInt32) {
    self.microseconds = microseconds
  }

  /// The moment `interval` µs later.
  @inline(__always)
  public static func + (time: Self, interval: UInt32) -> Self {
    Self(microseconds: time.microseconds &+ interval)
  }

  /// The moment `interval` µs earlier.
  @inline(__always)
  public static func - (time: Self, interval: UInt32) -> Self {
    Self(microseconds: time.microseconds &- interval)
  }

  /// Microseconds from `earlier` to this; negative if the order is reversed.
  @inline(__always)
  public func since(_ earlier: Self) -> Int32 {
    Int32(bitPattern: microseconds &- earlier.microseconds)
  }

  /// Whether this is earlier than `other`.
  @inline(__always)
  public func isBefore(_ other: Self) -> Bool { since(other) < 0 }
}
