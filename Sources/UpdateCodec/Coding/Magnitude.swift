/// The magnitude of a float as its bits: finite ones are ordered as their magnitudes are.
enum Magnitude {
  /// The bits without the sign; 0 for what is no finite number, so that it never counts.
  static func bits(_ value: Float) -> UInt32 {
    let bits = value.bitPattern & 0x7fff_ffff
    return bits < 0x7f80_0000 ? bits : 0
  }

  /// 2 to the power of `exponent`, -126…127.
  static func powerOfTwo(_ exponent: Int32) -> Float {
    Float(bitPattern: UInt32(bitPattern: exponent &+ 127) << 23)
  }
}

/// A sum of magnitudes or of their squares that neither overflows nor vanishes: it is kept in units of the
/// largest one's power of two, which is exact.
struct ScaledSum {
  /// Biased exponent of the largest magnitude so far, 1…254.
  private var exponent: UInt32 = 1
  private var sum: Float = 0

  /// Adds the magnitudes' squares; blocks of a few hundred keep the roundings small.
  mutating func add(squaresOf values: Span<Float>) {
    var largest: UInt32 = 0
    for i in 0..<values.count { largest = max(largest, Magnitude.bits(values[i])) }
    makeRoom(for: largest >> 23)
    let unit = Magnitude.powerOfTwo(128 &- Int32(exponent))
    var block: Float = 0
    for i in 0..<values.count {
      let scaled = Float(bitPattern: Magnitude.bits(values[i])) * unit
      block += scaled * scaled
    }
    sum += block
  }

  private mutating func makeRoom(for exponent: UInt32) {
    guard exponent > self.exponent else { return }
    let factor = Magnitude.powerOfTwo(0 &- Int32(min(63, exponent &- self.exponent)))
    sum *= factor
    sum *= factor
    self.exponent = exponent
  }

  /// The root of the mean of `count` squares.
  func rootMeanSquare(of count: Int) -> Float {
    count == 0 ? 0 : Self.inUnits((sum / Float(count)).squareRoot(), exponent)
  }

  /// The mean of magnitudes, each `unit(exponent)` times too large, in a way that does not overflow.
  static func inUnits(_ scaled: Float, _ exponent: UInt32) -> Float {
    scaled * 0.5 * Magnitude.powerOfTwo(Int32(exponent) &- 127)
  }
}

/// A step or magnitude as it is sent: the upper 16 bits of a float32 without its sign, so eight bits of
/// exponent and eight of fraction.
enum CodedScale {
  static let length = 2
  private static let largest: UInt32 = 0xfeff

  /// The nearest one; of what is larger than all, the largest.
  static func nearest(to value: Float) -> UInt32 {
    min(largest, (value.bitPattern & 0x7fff_ffff &+ 0x4000) >> 15)
  }

  /// What it stands for; nil if that is no finite number.
  static func value(_ code: UInt32) -> Float? {
    code > largest ? nil : Float(bitPattern: code << 15)
  }
}
