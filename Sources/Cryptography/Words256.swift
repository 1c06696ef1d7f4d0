public import Bytes

/// 256 bits: a coordinate, a private key, a shared secret. Eight words, the least significant first.
public struct Words256: Sendable {
  /// Number of bytes.
  public static let byteCount = 32

  /// The words, least significant first.
  var words: InlineArray<8, UInt32>

  @inline(__always)
  init(words: InlineArray<8, UInt32>) {
    self.words = words
  }

  /// 256 zero bits.
  public static var zero: Self { Self(words: .init(repeating: 0)) }

  /// Takes 32 bytes, least significant first, as Bluetooth sends them; nil if there are more or fewer.
  public init?(littleEndian bytes: Span<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    words = .init { i in
      UInt32(bytes[4 * i]) | UInt32(bytes[4 * i + 1]) << 8 | UInt32(bytes[4 * i + 2]) << 16
        | UInt32(bytes[4 * i + 3]) << 24
    }
  }

  /// Takes 32 bytes, most significant first, as the standards print numbers; nil if there are more or fewer.
  public init?(bigEndian bytes: Span<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    words = .init { i in
      let at = 28 - 4 * i
      return UInt32(bytes[at + 3]) | UInt32(bytes[at + 2]) << 8 | UInt32(bytes[at + 1]) << 16
        | UInt32(bytes[at]) << 24
    }
  }

  /// Two blocks, `low` with the lower 128 bits.
  public init(high: Block128, low: Block128) {
    words = [
      low.words[3], low.words[2], low.words[1], low.words[0],
      high.words[3], high.words[2], high.words[1], high.words[0],
    ]
  }

  /// Byte `index` (0…31), the least significant first.
  public subscript(byte index: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: words[index >> 2] &>> UInt32(8 &* (index & 3)))
  }

  /// Appends the 32 bytes, least significant first.
  public func append(littleEndianTo bytes: inout BoundedBytes) {
    for i in 0..<Self.byteCount { bytes.append(self[byte: i]) }
  }

  /// All ones if it is less than `other`, else 0; in constant time.
  func lessMask(_ other: Self) -> UInt32 {
    var borrow: UInt64 = 0
    for i in 0..<8 { borrow = (UInt64(words[i]) &- UInt64(other.words[i]) &- borrow) &>> 63 }
    return 0 &- UInt32(truncatingIfNeeded: borrow)
  }

  /// All ones if it is zero, else 0; in constant time.
  var zeroMask: UInt32 {
    var any: UInt32 = 0
    for i in 0..<8 { any |= words[i] }
    return maskIfZero(any)
  }
}

extension Words256: Equatable {
  /// Whether all bits are equal, in a time that does not depend on which differ.
  public static func == (a: Self, b: Self) -> Bool {
    var difference: UInt32 = 0
    for i in 0..<8 { difference |= a.words[i] ^ b.words[i] }
    return difference == 0
  }
}

/// All ones if `word` is 0, else 0; without a branch.
@inline(__always)
func maskIfZero(_ word: UInt32) -> UInt32 {
  // The top bit of w | −w is set for every w but 0.
  ((word | (0 &- word)) &>> 31) &- 1
}
