/// A reading of a clock that never goes back, in microseconds since some moment before the process began.
public struct MonotonicTime: Hashable, Comparable, Sendable {
  /// Microseconds since the clock's origin.
  public let microseconds: UInt64

  /// Makes a reading.
  public init(microseconds: UInt64) {
    self.microseconds = microseconds
  }

  /// Orders earlier before later.
  public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
    left.microseconds < right.microseconds
  }

  /// The time `duration` later, never past what a reading can hold; a negative duration adds nothing.
  public static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    let (sum, overflow) = time.microseconds.addingReportingOverflow(duration.wholeMicroseconds)
    return MonotonicTime(microseconds: overflow ? .max : sum)
  }

  /// The time from `earlier` to this reading, zero when `earlier` is not earlier.
  public func since(_ earlier: MonotonicTime) -> Duration {
    guard earlier < self else { return .zero }
    let difference = microseconds - earlier.microseconds
    return .microseconds(Int64(clamping: difference))
  }
}

extension Duration {
  /// The duration in microseconds, rounded down, 0 for negative ones, clamped to what 64 bits hold.
  var wholeMicroseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, tooLong) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
    let (sum, overflow) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000_000))
    return tooLong || overflow ? .max : sum
  }
}
