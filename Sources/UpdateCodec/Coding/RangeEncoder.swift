import Bytes

/// A range coder in 32-bit arithmetic, without carries: the one that Dmitry Subbotin published in 1999, for
/// binary decisions. What has been written never changes, so it can go out at once.
///
/// The code is a number in [low, low + range), of which the bytes that low and low + range share are written.
/// Where the two come closer than 2¹⁶ without sharing one, the range is cut off at the next multiple of 2¹⁶.
struct RangeEncoder {
  private var low: UInt32 = 0
  private var range: UInt32 = .max

  /// The most bytes that one call writes.
  static let bytesPerCall = 3

  /// Codes a bit that `contexts` has a model of, and lets the model learn it.
  mutating func encode(
    _ bit: Bool, _ place: Int, _ contexts: inout Contexts, into output: inout BoundedBytes
  ) {
    let bound = (range >> 12) &* contexts.probability(place)
    contexts.learn(place, bit)
    if bit {
      range = bound
    } else {
      low &+= bound
      range &-= bound
    }
    normalise(into: &output)
  }

  /// Codes the `count` low bits of `value`, 1…8 of them, all values being as likely.
  mutating func encode(raw value: UInt32, count: UInt32, into output: inout BoundedBytes) {
    range >>= count
    low &+= range &* (value & (1 << count &- 1))
    normalise(into: &output)
  }

  private mutating func normalise(into output: inout BoundedBytes) {
    while Interval.release(low, &range) {
      output.append(UInt8(truncatingIfNeeded: low >> 24))
      low <<= 8
      range <<= 8
    }
  }

  /// Ends the code: at most two bytes.
  func finish(into output: inout BoundedBytes) {
    let end = Interval.end(low, range)
    var rest = end.value
    for _ in 0..<end.count {
      output.append(UInt8(truncatingIfNeeded: rest >> 24))
      rest <<= 8
    }
  }
}

/// What encoder and decoder must do alike.
enum Interval {
  private static let top: UInt32 = 1 << 24
  private static let bottom: UInt32 = 1 << 16

  /// Whether the first byte of [low, low + range) is settled; cuts the range where it has to be.
  static func release(_ low: UInt32, _ range: inout UInt32) -> Bool {
    if low ^ (low &+ range) < top { return true }
    if range < bottom {
      range = (0 &- low) & (bottom &- 1)
      return true
    }
    return false
  }

  /// The number in [low, low + range) that takes the fewest bytes when zeros may be left out at its end:
  /// 0, 1 or 2 of them, as the range is at least 2¹⁶.
  static func end(_ low: UInt32, _ range: UInt32) -> (value: UInt32, count: Int) {
    if low == 0 { return (0, 0) }
    let short = (low &+ (top &- 1)) & ~(top &- 1)
    if short >= low && short &- low < range { return (short, 1) }
    return ((low &+ (bottom &- 1)) & ~(bottom &- 1), 2)
  }
}
