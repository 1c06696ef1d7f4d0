public import Bytes

/// 128 bits: a key, a cipher block, an authentication code. Four words, the most significant first, so that byte 0 of
/// the text form is the top byte of word 0.
public struct Block128: Sendable {
  /// Number of bytes.
  public static let byteCount = 16

  /// The words, most significant first.
  public var words: InlineArray<4, UInt32>

  /// A block of these words, most significant first.
  @inline(__always)
  public init(words: InlineArray<4, UInt32>) {
    self.words = words
  }

  /// A block of four words, most significant first.
  public init(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32) {
    words = [a, b, c, d]
  }

  /// 128 zero bits.
  public static var zero: Self { Self(0, 0, 0, 0) }

  /// Takes 16 bytes, most significant first; nil if there are more or fewer.
  public init?(bigEndian bytes: Span<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    words = .init(repeating: 0)
    for i in 0..<Self.byteCount { self[byte: i] = bytes[i] }
  }

  /// Takes 16 bytes, least significant first, as Bluetooth sends them; nil if there are more or fewer.
  public init?(littleEndian bytes: Span<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    words = .init(repeating: 0)
    for i in 0..<Self.byteCount { self[byte: 15 - i] = bytes[i] }
  }

  /// Byte `index` (0…15), the most significant first.
  public subscript(byte index: Int) -> UInt8 {
    @inline(__always) get { UInt8(truncatingIfNeeded: words[index >> 2] &>> UInt32(24 &- 8 &* (index & 3))) }
    @inline(__always) set {
      let shift = UInt32(24 &- 8 &* (index & 3))
      words[index >> 2] = words[index >> 2] & ~(0xff &<< shift) | UInt32(newValue) &<< shift
    }
  }

  /// Appends the 16 bytes, most significant first.
  public func append(bigEndianTo bytes: inout BoundedBytes) {
    for i in 0..<Self.byteCount { bytes.append(self[byte: i]) }
  }

  /// Appends the 16 bytes, least significant first, as Bluetooth sends them.
  public func append(littleEndianTo bytes: inout BoundedBytes) {
    for i in 0..<Self.byteCount { bytes.append(self[byte: 15 - i]) }
  }

  /// The bitwise exclusive or.
  @inline(__always)
  public static func ^ (a: Self, b: Self) -> Self {
    Self(words: [
      a.words[0] ^ b.words[0], a.words[1] ^ b.words[1], a.words[2] ^ b.words[2], a.words[3] ^ b.words[3],
    ])
  }
}

extension Block128: Equatable {
  /// Whether all bits are equal, in a time that does not depend on which differ: keys and codes are compared with it.
  public static func == (a: Self, b: Self) -> Bool {
    let difference = a ^ b
    return (difference.words[0] | difference.words[1] | difference.words[2] | difference.words[3]) == 0
  }
}
