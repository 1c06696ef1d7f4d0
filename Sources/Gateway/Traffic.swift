/// What moved over all links.
public struct Traffic: Sendable, Hashable {
  /// Bytes of frames to boards.
  public var down = 0
  /// Bytes of frames from boards.
  public var up = 0
  /// Bytes of objects that were sent more than once, both ways.
  public var again = 0
  /// Bytes of objects that were at the receiver already when a transfer began, both ways.
  public var resumed = 0

  /// Nothing.
  public init() {}

  /// Both together.
  public static func += (a: inout Self, b: Self) {
    a.down += b.down
    a.up += b.up
    a.again += b.again
    a.resumed += b.resumed
  }
}
