/// A number modulo the prime of P-256, p = 2^256 − 2^224 + 2^192 + 2^96 − 1 (NIST SP 800-186 §3.2.1.3), in constant time.
///
/// Kept as x · 2^256 mod p, always reduced: Montgomery's form (Mathematics of Computation 44, 1985). As p ends with
/// 96 ones, the quotient of each step of his reduction is the lowest word itself, and as the other words of p are 0, 1
/// and all ones, the reduction needs no multiplication.
///
/// The row of a product is a chain of `a * b + c + d` in 64 bits, which is one UMAAL of the Cortex-M4, one cycle
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
  static func + (a: Self, b: Self) -> Self {
    var sum = InlineArray<8, UInt32>(repeating: 0)
    var carry: UInt64 = 0
    for i in 0..<8 {
      let word = UInt64(a.words[i]) &+ UInt64(b.words[i]) &+ carry
      sum[i] = UInt32(truncatingIfNeeded: word)
      carry = word &>> 32
    }
    return reduced(sum, UInt32(truncatingIfNeeded: carry))
  }

  @inline(never)
  static func - (a: Self, b: Self) -> Self {
    var difference = InlineArray<8, UInt32>(repeating: 0)
    var borrow: UInt64 = 0
    for i in 0..<8 {
      let word = UInt64(a.words[i]) &- UInt64(b.words[i]) &- borrow
      difference[i] = UInt32(truncatingIfNeeded: word)
      borrow = word &>> 63
    }
    // Below zero, p is added.
    let mask: UInt32 = 0 &- UInt32(truncatingIfNeeded: borrow)
    let prime = prime
    var carry: UInt64 = 0
    for i in 0..<8 {
      let word = UInt64(difference[i]) &+ UInt64(prime[i] & mask) &+ carry
      difference[i] = UInt32(truncatingIfNeeded: word)
      carry = word &>> 32
    }
    return Self(words: difference)
  }

  /// a · b / 2^256: row by row, each followed by one step of the reduction.
  @inline(never)
  static func * (a: Self, b: Self) -> Self {
    var t = InlineArray<8, UInt32>(repeating: 0)
    // Word 8 of the running sum: below 2p, so at most 1.
    var top: UInt32 = 0
    for i in 0..<8 {
      let factor = UInt64(b.words[i])
      var carry: UInt64 = 0
      for j in 0..<8 {
        let word = UInt64(a.words[j]) &* factor &+ UInt64(t[j]) &+ carry
        t[j] = UInt32(truncatingIfNeeded: word)
        carry = word &>> 32
      }
      let high = UInt64(top) &+ carry
      // Add t[0] · p, which makes the lowest word 0, and shift it out. The three words of ones cost nothing:
      // t[0] · (2^96 − 1) + t[0] = t[0] · 2^96.
      let quotient = UInt64(t[0])
      t[0] = t[1]
      t[1] = t[2]
      var word = UInt64(t[3]) &+ quotient
      t[2] = UInt32(truncatingIfNeeded: word)
      word = UInt64(t[4]) &+ word &>> 32
      t[3] = UInt32(truncatingIfNeeded: word)
      word = UInt64(t[5]) &+ word &>> 32
      t[4] = UInt32(truncatingIfNeeded: word)
      word = UInt64(t[6]) &+ quotient &+ word &>> 32
      t[5] = UInt32(truncatingIfNeeded: word)
      word = UInt64(t[7]) &+ (quotient &<< 32 &- quotient) &+ word &>> 32
      t[6] = UInt32(truncatingIfNeeded: word)
      word = high &+ word &>> 32
      t[7] = UInt32(truncatingIfNeeded: word)
      top = UInt32(truncatingIfNeeded: word &>> 32)
    }
    return reduced(t, top)
  }

  /// The number with the words `low` and, above them, `high` (0 or 1), less p if it is not below p. It must be below 2p.
  @inline(__always)
  private static func reduced(_ low: InlineArray<8, UInt32>, _ high: UInt32) -> Self {
    var difference = InlineArray<8, UInt32>(repeating: 0)
    let prime = prime
    var borrow: UInt64 = 0
    for i in 0..<8 {
      let word = UInt64(low[i]) &- UInt64(prime[i]) &- borrow
      difference[i] = UInt32(truncatingIfNeeded: word)
      borrow = word &>> 63
    }
    // It was below p if the subtraction borrows more than there was.
    let mask: UInt32 = 0 &- (UInt32(truncatingIfNeeded: borrow) & ~high)
    for i in 0..<8 { difference[i] ^= (difference[i] ^ low[i]) & mask }
    return Self(words: difference)
  }

  /// `a` where `mask` is all ones, `b` where it is 0.
  @inline(__always)
  static func select(_ mask: UInt32, _ a: Self, _ b: Self) -> Self {
    Self(words: .init { b.words[$0] ^ (mask & (a.words[$0] ^ b.words[$0])) })
  }

  /// Itself to the power of 2^`count`.
  func squared(times count: Int) -> Self {
    var result = self
    for _ in 0..<count { result = result * result }
    return result
  }

  /// Its inverse, 0 for 0: to the power of p − 2 (Fermat), whose bits are 32 ones, 31 zeros, a one, 96 zeros, 94 ones,
  /// 0, 1.
  var inverse: Self {
    let ones2 = squared(times: 1) * self
    let ones4 = ones2.squared(times: 2) * ones2
    let ones8 = ones4.squared(times: 4) * ones4
    let ones16 = ones8.squared(times: 8) * ones8
    let ones32 = ones16.squared(times: 16) * ones16
    var power = ones32.squared(times: 32) * self
    power = power.squared(times: 128) * ones32
    power = power.squared(times: 32) * ones32
    power = power.squared(times: 16) * ones16
    power = power.squared(times: 8) * ones8
    power = power.squared(times: 4) * ones4
    power = power.squared(times: 2) * ones2
    return power.squared(times: 2) * self
  }
}

extension FieldElement: Equatable {
  static func == (a: Self, b: Self) -> Bool { Words256(words: a.words) == Words256(words: b.words) }
}
