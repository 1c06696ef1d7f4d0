/// A number modulo the prime of P-256, p = 2^256 − 2^224 + 2^192 + 2^96 − 1 (NIST SP 800-186 §3.2.1.3), in constant time.
///
/// Kept as x · 2^256 mod p, always reduced: Montgomery's form (Mathematics of Computation 44, 1985). As p ends with
/// 96 ones, the quotient of each step of his reduction is the lowest word itself, and as the other words of p are 0, 1
/// and all ones, the reduction needs no multiplication.
///
/// Operations work in place, as a stack is small where this runs. The row of a product is a chain of `a * b + c + d` in 64 bits, which is one UMAAL of the Cortex-M4, one cycle
/// whatever the operands.
struct FieldElement: Sendable {
  /// Least significant first, less than p.
  var words: InlineArray<8, UInt32>

  @inline(__always)
  init(words: InlineArray<8, UInt32>) {
    self.words = words
  }

  static var zero: Self { Self(words: .init(repeating: 0)) }

  /// 2^256 mod p.
  static var one: Self {
    Self(words: [1, 0, 0, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_fffe, 0])
  }

  /// p itself, least significant word first.
  @inline(__always)
  static var prime: InlineArray<8, UInt32> {
    [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0, 0, 0, 1, 0xffff_ffff]
  }

  /// Takes a number; nil if it is not less than p.
  init?(_ number: Words256) {
    guard number.lessMask(Words256(words: Self.prime)) != 0 else { return nil }
    // 2^512 mod p, so that the product is number · 2^256.
    let square = Self(words: [3, 0, 0xffff_ffff, 0xffff_fffb, 0xffff_fffe, 0xffff_ffff, 0xffff_fffd, 4])
    self = Self(words: number.words) * square
  }

  /// The number itself, out of Montgomery's form.
  var number: Words256 {
    var one = Self.zero
    one.words[0] = 1
    return Words256(words: (self * one).words)
  }

  /// All ones if it is zero, else 0.
  var zeroMask: UInt32 { Words256(words: words).zeroMask }

  @inline(never)
  static func += (a: inout Self, b: Self) {
    let (x, y) = (a.words, b.words)
    var carry: UInt64 = 0
    let sum: InlineArray<8, UInt32> = [
      add(x[0], y[0], &carry), add(x[1], y[1], &carry), add(x[2], y[2], &carry), add(x[3], y[3], &carry),
      add(x[4], y[4], &carry), add(x[5], y[5], &carry), add(x[6], y[6], &carry), add(x[7], y[7], &carry),
    ]
    a = reduced(sum, carry)
  }

  @inline(never)
  static func -= (a: inout Self, b: Self) {
    // a − b = a + (2^256 − 1 − b) + 1, less 2^256: nothing is carried out if it is below zero, and p must be added.
    let (x, y) = (a.words, b.words)
    var carry: UInt64 = 1
    let d: InlineArray<8, UInt32> = [
      add(x[0], ~y[0], &carry), add(x[1], ~y[1], &carry), add(x[2], ~y[2], &carry), add(x[3], ~y[3], &carry),
      add(x[4], ~y[4], &carry), add(x[5], ~y[5], &carry), add(x[6], ~y[6], &carry), add(x[7], ~y[7], &carry),
    ]
    let mask = UInt32(truncatingIfNeeded: carry) &- 1
    carry = 0
    a = Self(words: [
      add(d[0], mask, &carry), add(d[1], mask, &carry), add(d[2], mask, &carry), add(d[3], 0, &carry),
      add(d[4], 0, &carry), add(d[5], 0, &carry), add(d[6], mask & 1, &carry), add(d[7], mask, &carry),
    ])
  }

  /// a · b / 2^256: row by row, each followed by one step of the reduction.
  @inline(never)
  static func *= (a: inout Self, b: Self) {
    a = product(a.words, b.words.span)
  }

  @inline(__always)
  private static func product(_ x: InlineArray<8, UInt32>, _ y: Span<UInt32>) -> Self {
    var t = InlineArray<8, UInt32>(repeating: 0)
    var top: UInt64 = 0
    for i in 0..<y.count { addRow(x, y[i], to: &t, &top) }
    return reduced(t, top)
  }

  /// Turns the sum t + 2^256 · top into (t + 2^256 · top + x · factor + q · p) / 2^32, where q makes it come out
  /// even. It stays below 2p, so that `top` is at most 1.
  @inline(__always)
  private static func addRow(
    _ x: InlineArray<8, UInt32>, _ factor: UInt32, to t: inout InlineArray<8, UInt32>, _ top: inout UInt64
  ) {
    var carry: UInt64 = 0
    for j in 0..<8 { t[j] = multiplyAdd(x[j], factor, t[j], &carry) }
    top &+= carry
    // As p is −1 modulo 2^32, q is the lowest word. Its product with the three words of ones costs nothing:
    // q · (2^96 − 1) + q = q · 2^96.
    let q = t[0]
    carry = 0
    let words: InlineArray<5, UInt32> = [
      add(t[3], q, &carry), add(t[4], 0, &carry), add(t[5], 0, &carry), add(t[6], q, &carry),
      multiplyAdd(q, 0xffff_ffff, t[7], &carry),
    ]
    top &+= carry
    t = [t[1], t[2], words[0], words[1], words[2], words[3], words[4], UInt32(truncatingIfNeeded: top)]
    top &>>= 32
  }

  /// The lower word of a + b + carry; the upper one is the new carry.
  @inline(__always)
  private static func add(_ a: UInt32, _ b: UInt32, _ carry: inout UInt64) -> UInt32 {
    let sum = UInt64(a) &+ UInt64(b) &+ carry
    carry = sum &>> 32
    return UInt32(truncatingIfNeeded: sum)
  }

  /// The lower word of a · b + c + carry; the upper one is the new carry. It cannot overflow.
  @inline(__always)
  private static func multiplyAdd(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ carry: inout UInt64) -> UInt32 {
    let sum = UInt64(a) &* UInt64(b) &+ UInt64(c) &+ carry
    carry = sum &>> 32
    return UInt32(truncatingIfNeeded: sum)
  }

  /// t + 2^256 · top, less p if it is not below p. It must be below 2p.
  @inline(__always)
  private static func reduced(_ t: InlineArray<8, UInt32>, _ top: UInt64) -> Self {
    // Minus p is plus 2^256 − p, less 2^256: something is carried out unless it was below p.
    var carry: UInt64 = 0
    let d: InlineArray<8, UInt32> = [
      add(t[0], 1, &carry), add(t[1], 0, &carry), add(t[2], 0, &carry), add(t[3], 0xffff_ffff, &carry),
      add(t[4], 0xffff_ffff, &carry), add(t[5], 0xffff_ffff, &carry), add(t[6], 0xffff_fffe, &carry),
      add(t[7], 0, &carry),
    ]
    let below = UInt32(truncatingIfNeeded: top &+ carry) &- 1
    return select(below, Self(words: t), Self(words: d))
  }

  /// `a` where `mask` is all ones, `b` where it is 0.
  @inline(__always)
  static func select(_ mask: UInt32, _ a: Self, _ b: Self) -> Self {
    Self(words: .init { b.words[$0] ^ (mask & (a.words[$0] ^ b.words[$0])) })
  }

  /// Squares it `count` times.
  @inline(never)
  mutating func square(times count: Int = 1) {
    for _ in 0..<count { self *= self }
  }

  /// Makes it its inverse, 0 of 0: to the power of p − 2 (Fermat), whose bits are 32 ones, 31 zeros, a one, 96 zeros,
  /// 94 ones, 0, 1.
  mutating func invert() {
    let one = self
    extend(by: 1, one)
    let ones2 = self
    extend(by: 2, ones2)
    let ones4 = self
    extend(by: 4, ones4)
    let ones8 = self
    extend(by: 8, ones8)
    let ones16 = self
    extend(by: 16, ones16)
    let ones32 = self
    extend(by: 32, one)
    extend(by: 128, ones32)
    extend(by: 32, ones32)
    extend(by: 16, ones16)
    extend(by: 8, ones8)
    extend(by: 4, ones4)
    extend(by: 2, ones2)
    extend(by: 2, one)
  }

  /// Appends `count` bits to the exponent, of which the lowest are those of `power`.
  @inline(never)
  private mutating func extend(by count: Int, _ power: Self) {
    square(times: count)
    self *= power
  }
}

extension FieldElement {
  static func + (a: Self, b: Self) -> Self {
    var result = a
    result += b
    return result
  }

  static func - (a: Self, b: Self) -> Self {
    var result = a
    result -= b
    return result
  }

  static func * (a: Self, b: Self) -> Self {
    var result = a
    result *= b
    return result
  }
}

extension FieldElement: Equatable {
  static func == (a: Self, b: Self) -> Bool { Words256(words: a.words) == Words256(words: b.words) }
}
