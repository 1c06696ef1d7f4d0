public import Digests

/// The first eight bytes of an object's SHA-256: says which of the models both sides know is meant, without
/// the other 24. It proves nothing; objects are verified by their whole digest when they are transferred.
public struct DigestTag: Sendable, Hashable {
  /// Bytes of it in a header.
  public static let count = 8

  /// The eight bytes as a little-endian number.
  public var rawValue: UInt64

  /// The tag of this number.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The tag of the object of this digest.
  public init(_ digest: Digest32) {
    var value: UInt64 = 0
    for i in 0..<Self.count { value |= UInt64(digest[i]) << UInt64(8 * i) }
    rawValue = value
  }
}
