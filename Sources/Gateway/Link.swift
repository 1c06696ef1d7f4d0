/// Number of a link, given by whoever opened it; never used twice, and higher for one that was opened later.
public struct LinkID: Hashable, Sendable, Comparable {
  /// The number.
  public let rawValue: UInt64

  /// A link's number.
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Whether `a` was opened earlier.
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Which way an object travels.
public enum Direction: String, Sendable {
  /// From the gateway to a board.
  case down
  /// From a board to the gateway.
  case up
}
