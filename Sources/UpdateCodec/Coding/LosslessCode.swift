import Bytes

/// A float as exponent, the lower end of its fraction, sign, and the rest of the fraction.
///
/// The exponents of a difference are few. And where a small difference was made by subtracting two larger
/// numbers of like exponent, which is what training does, its fraction ends in zeros: no bit is set below the
/// larger numbers' last one. So the fraction is coded from its lowest bit up to the first that is set, each
/// bit by what is known of its absolute place. Those above are noise and written as they are.
struct LosslessCode {
  /// The most calls of the range coder for a value: exponent, fraction up to the first set bit, sign, rest.
  static let mostCalls = 8 + 23 + 1 + 3

  private static let fractionBits: UInt32 = 23
  /// A tree's models, by the bits known so far with a 1 before them.
  private static let exponents = 0
  /// By the place of a bit, exponent + distance from the lowest one, the lower five bits of it.
  private static let places = 256
  private static let isZero = 288
  private static let signOfZero = 289

  static func prepare(_ contexts: inout Contexts) {
    contexts.expect(0x8000, in: 0..<Contexts.capacity)
  }

  static func encode(
    _ value: Float, _ contexts: inout Contexts, _ coder: inout RangeEncoder, into output: inout BoundedBytes
  ) {
    let bits = value.bitPattern
    let isNegative = bits >> 31 == 1
    let exponent = bits >> 23 & 0xff
    let fraction = bits & 0x7f_ffff
    var known = 1
    for shift in stride(from: 7 as UInt32, through: 0, by: -1) {
      let bit = exponent >> shift & 1
      coder.encode(bit == 1, exponents + known, &contexts, into: &output)
      known = known << 1 | Int(bit)
    }
    var left = fractionBits
    if exponent == 0 {
      coder.encode(fraction == 0, isZero, &contexts, into: &output)
      if fraction == 0 { return coder.encode(isNegative, signOfZero, &contexts, into: &output) }
    } else {
      while left > 0 {
        let bit = fraction >> (fractionBits &- left) & 1
        coder.encode(bit == 1, place(exponent, left), &contexts, into: &output)
        left &-= 1
        if bit == 1 { break }
      }
    }
    coder.encode(raw: bits >> 31, count: 1, into: &output)
    let rest = fraction >> (fractionBits &- left)
    while left > 0 {
      let count = min(8, left)
      left &-= count
      coder.encode(raw: rest >> left, count: count, into: &output)
    }
  }

  static func decode(
    _ contexts: inout Contexts, _ coder: inout RangeDecoder, _ input: inout ByteReader
  ) throws(UpdateError) -> Float {
    var known = 1
    for _ in 0..<8 { known = known << 1 | (coder.decode(exponents + known, &contexts, &input) ? 1 : 0) }
    let exponent = UInt32(truncatingIfNeeded: known & 0xff)
    var fraction: UInt32 = 0
    var left = fractionBits
    if exponent == 0 {
      if coder.decode(isZero, &contexts, &input) {
        return coder.decode(signOfZero, &contexts, &input) ? -0.0 : 0
      }
    } else {
      while left > 0 {
        let isSet = coder.decode(place(exponent, left), &contexts, &input)
        left &-= 1
        if isSet {
          fraction = 1 << (fractionBits &- 1 &- left)
          break
        }
      }
    }
    guard let sign = coder.decode(raw: 1, &input) else { throw .malformed }
    let above = fractionBits &- left
    var rest: UInt32 = 0
    while left > 0 {
      let count = min(8, left)
      left &-= count
      guard let part = coder.decode(raw: count, &input) else { throw .malformed }
      rest = rest << count | part
    }
    fraction |= rest << above
    // A zero has a code of its own.
    guard exponent != 0 || fraction != 0 else { throw .malformed }
    return Float(bitPattern: sign << 31 | exponent << 23 | fraction)
  }

  private static func place(_ exponent: UInt32, _ left: UInt32) -> Int {
    places + Int((exponent &+ fractionBits &- left) & 31)
  }
}
