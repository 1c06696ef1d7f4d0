import Bytes

/// The indices of a uniform quantiser: zero or not, sign, number of bits, the bits.
struct StepCode {
  /// The most bits of an index. With a step of a sixteenth of the root mean square or more, an index is at
  /// most 16 · √parameters, 65,536 for the largest model.
  static let mostBits = 17

  // Values are rounded to the next index only above 0.6 of the way to it. Zeros are what costs least, and
  // error feedback keeps what is missing; Protocols/update-format.md has the measurement.
  private static let rounding: Float = 0.4

  private static let zero = 0
  private static let sign = 1
  private static let length = 2
  private static let second = 20

  static func prepare(_ contexts: inout Contexts) {
    contexts.expect(0x4000, in: zero..<zero + 1)
    contexts.expect(0x8000, in: sign..<sign + 1)
    contexts.expect(0x2800, in: length..<second)
    contexts.expect(0x4000, in: second..<second + mostBits + 1)
  }

  /// The index of a value and what is left of it; a value that is no finite number counts as 0.
  static func quantise(_ value: Float, step: Float) -> (index: Int32, residual: Float) {
    guard value.isFinite else { return (0, 0) }
    guard step > 0 else { return (0, value) }
    let steps = value.magnitude / step + rounding
    guard steps >= 1 else { return (0, value) }
    let most = Float(1 << mostBits - 1)
    var index = Int(steps < most ? steps : most)
    // Rounding up can lead past the largest float.
    if !(Float(index) * step).isFinite { index -= 1 }
    let signed = value < 0 ? -index : index
    return (Int32(truncatingIfNeeded: signed), value - Float(signed) * step)
  }

  static func encode(
    _ index: Int32, _ contexts: inout Contexts, _ coder: inout RangeEncoder, into output: inout BoundedBytes
  ) {
    coder.encode(index != 0, zero, &contexts, into: &output)
    guard index != 0 else { return }
    coder.encode(index < 0, sign, &contexts, into: &output)
    let magnitude = index.magnitude
    let bits = 32 - magnitude.leadingZeroBitCount
    for n in 1..<mostBits {
      coder.encode(bits > n, length + n, &contexts, into: &output)
      if bits == n { break }
    }
    guard bits > 1 else { return }
    var left = UInt32(bits - 2)
    coder.encode(magnitude >> left & 1 == 1, second + bits, &contexts, into: &output)
    while left > 0 {
      let count = min(8, left)
      left &-= count
      coder.encode(raw: magnitude >> left, count: count, into: &output)
    }
  }

  static func decode(
    _ contexts: inout Contexts, _ coder: inout RangeDecoder, _ input: inout ByteReader
  ) throws(UpdateError) -> Int32 {
    guard coder.decode(zero, &contexts, &input) else { return 0 }
    let isNegative = coder.decode(sign, &contexts, &input)
    var bits = 1
    while bits < mostBits, coder.decode(length + bits, &contexts, &input) { bits += 1 }
    var magnitude: UInt32 = 1
    if bits > 1 {
      magnitude = coder.decode(second + bits, &contexts, &input) ? 3 : 2
      var left = UInt32(bits - 2)
      while left > 0 {
        let count = min(8, left)
        left &-= count
        guard let part = coder.decode(raw: count, &input) else { throw .malformed }
        magnitude = magnitude << count | part
      }
    }
    let index = Int32(truncatingIfNeeded: magnitude)
    return isNegative ? -index : index
  }
}
