import Bytes

/// The counterpart of ``RangeEncoder``. Any bytes give some bits; whether they are a code is found out by
/// ``isAtEnd(after:)`` and by what the bits mean.
struct RangeDecoder {
  private var low: UInt32 = 0
  private var range: UInt32 = .max
  private var code: UInt32 = 0
  /// Bytes taken, those after the end included.
  private(set) var taken = 0
  /// Of those, bytes after the end, which count as zeros.
  private(set) var missing = 0

  /// Whether more is missing than any code leaves out: the decoder has gone past the end.
  var isPastEnd: Bool { missing > 4 }

  /// Takes the first four bytes.
  mutating func begin(_ input: inout ByteReader) {
    for _ in 0..<4 { takeByte(&input) }
  }

  private mutating func takeByte(_ input: inout ByteReader) {
    taken &+= 1
    if let byte = input.readByte() {
      code = code << 8 | UInt32(byte)
    } else {
      code <<= 8
      missing &+= 1
    }
  }

  /// The next bit, by the model that the encoder used, which learns it.
  mutating func decode(_ place: Int, _ contexts: inout Contexts, _ input: inout ByteReader) -> Bool {
    let bound = (range >> 12) &* contexts.probability(place)
    let bit = code &- low < bound
    contexts.learn(place, bit)
    if bit {
      range = bound
    } else {
      low &+= bound
      range &-= bound
    }
    normalise(&input)
    return bit
  }

  /// The next `count` (1…8) bits that were coded raw; nil if no encoder writes this.
  mutating func decode(raw count: UInt32, _ input: inout ByteReader) -> UInt32? {
    range >>= count
    let value = (code &- low) / range
    guard value >> count == 0 else { return nil }
    low &+= range &* value
    normalise(&input)
    return value
  }

  private mutating func normalise(_ input: inout ByteReader) {
    while Interval.release(low, &range) {
      low <<= 8
      range <<= 8
      takeByte(&input)
    }
  }

  /// How many bytes the code has if it ends here.
  var expectedLength: Int { taken &- 4 &+ Interval.end(low, range).count }

  /// Whether the bytes at hand are those that end a code here.
  var endsHere: Bool { code == Interval.end(low, range).value }
}
