extension P256 {
  /// A private key times a point, in slices: on a microcontroller the whole takes a while, and its link must be served
  /// meanwhile.
  ///
  /// Four bits of the key at a time, as digits from −8 to 8 (Booth's recoding): 65 digits, for each four doublings and
  /// one addition of a multiple from a table of eight. Which operations are done and which memory is touched depends
  /// on nothing: the table is read in full for every digit, its sign is applied by a mask, and the formulas know no
  /// special points.
  public struct Multiplication: Sendable {
    /// How often ``advance()`` must be called. No call takes longer than 300 products in the field.
    public static let slices = 67

    private static let digits = 65

    private var key: Words256
    private let base: ProjectivePoint
    /// 1 to 8 times the base.
    private var multiples: InlineArray<8, ProjectivePoint>
    private var sum = ProjectivePoint.infinity
    private var slice = 0

    /// The result; nil until ``advance()`` says that there is no more to do.
    public private(set) var product: PublicKey?

    /// Starts the product of `key` and `base`.
    public init(of base: PublicKey, by key: PrivateKey) {
      self.key = key.scalar
      self.base = base.point
      multiples = .init(repeating: .infinity)
    }

    /// Does one slice of the work; false once all is done.
    public mutating func advance() -> Bool {
      switch slice {
      case 0: fillTable()
      case 1...Self.digits: addDigit(Self.digits - slice)
      case Self.digits + 1: finish()
      default: return false
      }
      slice += 1
      return slice < Self.slices
    }

    private mutating func fillTable() {
      multiples[0] = base
      for i in 1..<8 {
        multiples[i] = i & 1 == 1 ? multiples[i / 2].doubled() : multiples[i - 1] + base
      }
    }

    private mutating func addDigit(_ index: Int) {
      for _ in 0..<4 { sum = sum.doubled() }
      // Bits 4i − 1 … 4i + 3 of the key; the digit is the sum of their upper four, the topmost negative, and the lowest.
      let bits = fiveBits(below: index)
      let negative: UInt32 = 0 &- (bits &>> 4)
      let magnitude = ((bits ^ negative) & 31 &+ 1) &>> 1
      var term = ProjectivePoint.infinity
      for i in 0..<8 {
        term = .select(maskIfZero(magnitude ^ UInt32(truncatingIfNeeded: i &+ 1)), multiples[i], term)
      }
      term.y = .select(negative, .zero - term.y, term.y)
      sum = sum + term
    }

    /// Bits 4 · index − 1 to 4 · index + 3 of the key, with zeros around it.
    private func fiveBits(below index: Int) -> UInt32 {
      if index == 0 { return key.words[0] &<< 1 & 31 }
      let first = 4 * index - 1
      let word = first >> 5
      let above = word < 7 ? key.words[word + 1] : 0
      let both = UInt64(above) &<< 32 | UInt64(key.words[word])
      return UInt32(truncatingIfNeeded: both &>> UInt64(first & 31)) & 31
    }

    private mutating func finish() {
      // Never at infinity: the key is less than the order, which is that of every point.
      let inverse = sum.z.inverse
      product = PublicKey(computedX: (sum.x * inverse).number, y: (sum.y * inverse).number)
      // What could tell the key.
      key = .zero
      sum = .infinity
    }
  }
}
