/// Versions of the link protocol, as negotiated in the greeting.
public enum ProtocolVersion {
  /// The oldest version this code speaks.
  public static let oldest: UInt16 = 1
  /// The newest version this code speaks.
  public static let newest: UInt16 = 1
}

/// What a board can do, as a bit set in its welcome. Unknown bits are ignored.
public struct Capabilities: OptionSet, Sendable, Equatable {
  /// The bits on the wire.
  public var rawValue: UInt32

  /// A set of the given bits.
  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// It holds examples and trains on them.
  public static let training = Capabilities(rawValue: 1 << 0)
  /// It holds examples of its own that it never trains on, and evaluates models on them.
  public static let evaluation = Capabilities(rawValue: 1 << 1)
  /// It keeps a secret that comes over a cable, and pairs over the air by it.
  public static let pairsByCable = Capabilities(rawValue: 1 << 2)
}
