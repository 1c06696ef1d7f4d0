public import Digests

/// One version of the model: its place in the history and its content.
public struct ModelVersion: Hashable, Sendable, CustomStringConvertible {
  /// 0 for the model a run starts from, one more for each aggregation.
  public let number: UInt32
  /// SHA-256 of the snapshot.
  public let hash: Digest32

  /// Makes a version.
  public init(number: UInt32, hash: Digest32) {
    self.number = number
    self.hash = hash
  }

  /// Number and the head of the hash, for log lines: `12 (9f86d081)`.
  public var description: String { "\(number) (\(hash.short))" }
}

/// The number of a round, from 1.
public struct RoundNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The number.
  public let rawValue: UInt32

  /// Makes a round number; any value is accepted, so that a wrong one from a board can be named in a refusal.
  public init(_ rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// The round a run begins with.
  public static let first = RoundNumber(1)

  /// The round after this one; the last representable round is its own successor.
  public var next: RoundNumber { RoundNumber(rawValue == .max ? .max : rawValue + 1) }

  /// Orders by number.
  public static func < (left: RoundNumber, right: RoundNumber) -> Bool { left.rawValue < right.rawValue }

  /// The number in decimal.
  public var description: String { String(rawValue) }
}
