import Bytes

/// Sparse ternary values: kept or not, and the sign of what is kept.
struct TernaryCode {
  private static let kept = 0
  private static let sign = 1

  static func prepare(_ contexts: inout Contexts, oneIn: UInt16) {
    contexts.expect(max(0x100, 0x1_0000 / UInt32(oneIn)), in: kept..<kept + 1)
    contexts.expect(0x8000, in: sign..<sign + 1)
  }

  static func encode(
    _ sign: Int32, _ contexts: inout Contexts, _ coder: inout RangeEncoder, into output: inout BoundedBytes
  ) {
    coder.encode(sign != 0, kept, &contexts, into: &output)
    if sign != 0 { coder.encode(sign < 0, Self.sign, &contexts, into: &output) }
  }

  static func decode(
    _ contexts: inout Contexts, _ coder: inout RangeDecoder, _ input: inout ByteReader
  ) -> Int32 {
    guard coder.decode(kept, &contexts, &input) else { return 0 }
    return coder.decode(sign, &contexts, &input) ? -1 : 1
  }
}

/// Finds the largest magnitudes in four passes over the values, by the digits of their bits: exactly, with 256
/// counters.
struct MagnitudeSelection {
  private static let digits: UInt32 = 4

  /// How many are kept.
  private(set) var kept: Int
  /// The largest magnitude's biased exponent, 1…254.
  private(set) var exponent: UInt32 = 1
  /// The bits of the smallest magnitude that is kept, as far as they are known.
  private var threshold: UInt32 = 0
  /// How many of those that are as large as ``threshold``, in the digits known, are kept.
  private var ties: Int
  private var digit: UInt32 = 0
  private var sum: Float = 0

  /// Of `count` values, keeps one in `oneIn`, to the nearest, but at least one.
  init(count: Int, oneIn: UInt16) {
    kept = max(1, (count + Int(oneIn) / 2) / Int(oneIn))
    ties = kept
  }

  /// Whether all digits are known.
  var isComplete: Bool { digit == Self.digits }

  /// How many bits are lower than those of the next digit: 23, 15, 7, 0.
  private var shift: UInt32 { digit < 3 ? 23 &- 8 &* digit : 0 }

  /// Counts those values whose higher digits are the threshold's by their next digit.
  func count(_ values: Span<Float>, in counters: inout Contexts) {
    let shift = self.shift
    let known = 31 &- 8 &* digit
    let mask: UInt32 = (1 << (known &- shift)) &- 1
    for i in 0..<values.count {
      let bits = Magnitude.bits(values[i])
      // Zeros are never kept, however few other values there are.
      if bits != 0 && bits >> known == threshold >> known { counters.count(Int(bits >> shift & mask)) }
    }
  }

  /// Fixes the next digit by what was counted in all values.
  mutating func choose(by counters: inout Contexts) {
    var place = 255
    if digit == 0 {
      var all = 0
      for i in 0..<256 where counters.words[i] > 0 {
        all += Int(counters.words[i])
        exponent = UInt32(max(1, i))
      }
      kept = min(kept, all)
      ties = kept
    }
    while place > 0, Int(counters.words[place]) < ties {
      ties -= Int(counters.words[place])
      place -= 1
    }
    threshold |= UInt32(place) << shift
    digit += 1
    counters.clear()
  }

  /// Adds up the kept ones of a block of values.
  ///
  /// - Parameter ties: how many of those as large as the threshold have been seen before.
  mutating func add(_ values: Span<Float>, ties seen: inout Int) {
    let unit = Magnitude.powerOfTwo(128 &- Int32(exponent))
    var block: Float = 0
    for i in 0..<values.count where keeps(values[i], ties: &seen) {
      block += Float(bitPattern: Magnitude.bits(values[i])) * unit
    }
    sum += block
  }

  /// Whether a value is kept; called for one after the other.
  func keeps(_ value: Float, ties seen: inout Int) -> Bool {
    let bits = Magnitude.bits(value)
    guard bits >= threshold, bits != 0 else { return false }
    if bits > threshold { return true }
    seen += 1
    return seen <= ties
  }

  /// The mean of what was added up.
  var mean: Float { kept == 0 ? 0 : ScaledSum.inUnits(sum / Float(kept), exponent) }
}
