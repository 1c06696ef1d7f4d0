/// exp and log in single precision, the same bits on every processor.
///
/// The method and the coefficients are those of Stephen Moshier's Cephes library (expf.c, logf.c): reduce
/// the argument by powers of two, then a polynomial. Multiplications and additions are rounded one by one
/// (never fused), so that x86-64, aarch64 and Cortex-M4F agree; a C library's functions would not.
public enum ElementaryFunctions {
  // ln 2 as a sum; the first part has so few bits that its product with an exponent is exact.
  private static let ln2High: Float = 0.693359375
  private static let ln2Low: Float = -2.12194440e-4

  // Adding 1.5 · 2²³ leaves a float with no bits below the unit: the sum is rounded to an integer, which
  // stands in the low bits of its pattern. (`rounded()` would call the C library on a Cortex-M4.)
  private static let rounder: Float = 12_582_912

  /// e to the power of `x`, within 2 units in the last place of a normal result.
  ///
  /// Total: +∞ from about 88.7228 on, subnormal results below about -87.34, 0 below about -103.97, NaN for NaN.
  public static func exp(_ x: Float) -> Float {
    if x != x { return x }
    if x > 88.722_84 { return .infinity }
    if x < -103.98 { return 0 }
    let rounded = x * 1.442_695_04 + rounder
    let k = rounded - rounder
    let exponent = Int32(bitPattern: rounded.bitPattern) &- Int32(bitPattern: rounder.bitPattern)

    let r = (x - k * ln2High) - k * ln2Low
    var p: Float = 1.987_569_150_0e-4
    p = p * r + 1.398_199_950_7e-3
    p = p * r + 8.333_451_907_3e-3
    p = p * r + 4.166_579_589_4e-2
    p = p * r + 1.666_666_545_9e-1
    p = p * r + 5.000_000_120_1e-1
    p = p * (r * r) + r + 1

    // In two steps: neither 2^128 nor 2^-150 is a normal float, their halves are.
    let half = exponent >> 1
    return p * powerOfTwo(half) * powerOfTwo(exponent &- half)
  }

  /// The natural logarithm of `x`, within 2 units in the last place.
  ///
  /// Total: -∞ for ±0, NaN below 0 and for NaN, +∞ for +∞; subnormal arguments are exact.
  public static func log(_ x: Float) -> Float {
    guard x > 0 else { return x == 0 ? -.infinity : .nan }
    if x == .infinity { return x }
    var bits = x.bitPattern
    var exponent: Int32 = -126
    if bits < 0x0080_0000 {
      bits = (x * 8_388_608).bitPattern
      exponent = -126 - 23
    }
    exponent &+= Int32(bitPattern: bits >> 23)
    var m = Float(bitPattern: (bits & 0x007f_ffff) | 0x3f00_0000)  // in [0.5, 1)
    if m < 0.707_106_781 {
      exponent &-= 1
      m = m + m
    }
    m -= 1

    let z = m * m
    var y: Float = 7.037_683_629_2e-2
    y = y * m - 1.151_461_031_0e-1
    y = y * m + 1.167_699_874_0e-1
    y = y * m - 1.242_014_084_6e-1
    y = y * m + 1.424_932_278_7e-1
    y = y * m - 1.666_805_766_5e-1
    y = y * m + 2.000_071_476_5e-1
    y = y * m - 2.499_999_399_3e-1
    y = y * m + 3.333_333_117_4e-1
    y = y * m * z
    let e = Float(Int(exponent))
    y += e * ln2Low
    y -= 0.5 * z
    return m + y + e * ln2High
  }

  private static func powerOfTwo(_ exponent: Int32) -> Float {
    Float(bitPattern: UInt32(bitPattern: exponent &+ 127) << 23)
  }
}
