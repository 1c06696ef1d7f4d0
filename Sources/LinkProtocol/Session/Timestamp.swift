/// A moment on whatever monotonic clock the caller has; only differences mean anything.
///
/// The protocol never reads a clock: every event brings its time with it, so that the same code runs on a
/// board, in the gateway and in a simulation that skips ahead.
public struct Timestamp: Sendable, Hashable, Comparable {
  /// Microseconds since the clock's own start.
  public var microseconds: UInt64

  /// The moment `microseconds` after the clock's start.
  public init(microseconds: UInt64) {
    self.microseconds = microseconds
  }

  /// Whether `a` is earlier.
  public static func < (a: Self, b: Self) -> Bool { a.microseconds < b.microseconds }

  /// The moment `interval` microseconds later.
  public static func + (moment: Self, interval: UInt64) -> Self {
    Self(microseconds: moment.microseconds &+ interval)
  }

  /// Microseconds from `earlier` to `later`, 0 if the order is reversed.
  public static func - (later: Self, earlier: Self) -> UInt64 {
    later.microseconds > earlier.microseconds ? later.microseconds - earlier.microseconds : 0
  }

  /// The earlier of two deadlines, either of which may be absent.
  public static func earliest(_ a: Self?, _ b: Self?) -> Self? {
    guard let a else { return b }
    guard let b else { return a }
    return min(a, b)
  }
}

extension UInt64 {
  /// An interval of this many milliseconds, in microseconds.
  public static func milliseconds(_ count: UInt64) -> UInt64 { count &* 1000 }
  /// An interval of this many seconds, in microseconds.
  public static func seconds(_ count: UInt64) -> UInt64 { count &* 1_000_000 }
}
