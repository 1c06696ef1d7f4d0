/// A 32-byte digest, such as a SHA-256: the name of an object. Held in place, without a heap.
public struct Digest32: Sendable, Hashable, Comparable {
  /// Number of bytes of every digest.
  public static let count = 32

  /// The digest of 32 zero bytes: a placeholder for "no object", never the hash of a known one.
  public static var zero: Self { Self(storage: .init(repeating: 0)) }

  private var storage: InlineArray<32, UInt8>

  init(storage: InlineArray<32, UInt8>) {
    self.storage = storage
  }

  /// Takes the 32 bytes of `bytes`; nil if there are more or fewer.
  public init?(_ bytes: Span<UInt8>) {
    guard bytes.count == Self.count else { return nil }
    storage = .init { bytes[$0] }
  }

  /// The byte at `index`, which must be 0…31.
  public subscript(_ index: Int) -> UInt8 { storage[index] }

  /// The 32 bytes.
  public var span: Span<UInt8> {
    @_lifetime(borrow self) get { storage.span }
  }

  /// Eight bytes as one number, first byte most significant, so that comparing numbers compares bytes.
  private func word(_ index: Int) -> UInt64 {
    var value: UInt64 = 0
    for i in 8 * index..<8 * index + 8 { value = value << 8 | UInt64(storage[i]) }
    return value
  }

  /// Whether all bytes are equal. Not constant in time: digests name things, they are no secrets.
  public static func == (a: Self, b: Self) -> Bool {
    for i in 0..<4 where a.word(i) != b.word(i) { return false }
    return true
  }

  /// Orders by bytes, the first most significant.
  public static func < (a: Self, b: Self) -> Bool {
    for i in 0..<4 {
      let (x, y) = (a.word(i), b.word(i))
      if x != y { return x < y }
    }
    return false
  }

  /// Feeds the 32 bytes to `hasher`.
  public func hash(into hasher: inout Hasher) {
    for i in 0..<4 { hasher.combine(word(i)) }
  }
}
