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

    // Here and in `pick` every place in the table is a constant: at one that is computed, the whole table would be
    // copied to the stack.
    private mutating func fillTable() {
      var multiple = base
      multiples[0] = multiple
      multiple += base
      multiples[1] = multiple
      multiple += base
      multiples[2] = multiple
      multiple += base
      multiples[3] = multiple
      multiple += base
      multiples[4] = multiple
      multiple += base
      multiples[5] = multiple
      multiple += base
      multiples[6] = multiple
      multiple += base
      multiples[7] = multiple
    }

    /// Sets `point` to the multiple with this magnitude, 0…8. (Mutating, or the table would be copied for it.)
    @inline(never)
    private mutating func pick(_ magnitude: UInt32, into point: inout ProjectivePoint) {
      point = .infinity
      point.take(multiples[0], if: maskIfZero(magnitude ^ 1))
      point.take(multiples[1], if: maskIfZero(magnitude ^ 2))
      point.take(multiples[2], if: maskIfZero(magnitude ^ 3))
      point.take(multiples[3], if: maskIfZero(magnitude ^ 4))
      point.take(multiples[4], if: maskIfZero(magnitude ^ 5))
      point.take(multiples[5], if: maskIfZero(magnitude ^ 6))
      point.take(multiples[6], if: maskIfZero(magnitude ^ 7))
      point.take(multiples[7], if: maskIfZero(magnitude ^ 8))
    }

    private mutating func addDigit(_ index: Int) {
      for _ in 0..<4 { sum.double() }
      // The digit is the sum of the upper four bits, the topmost counted negative, and of the lowest.
      let bits = Self.fiveBits(of: key, below: index)
      let negative: UInt32 = 0 &- (bits &>> 4)
      let magnitude = ((bits ^ negative) & 31 &+ 1) &>> 1
      var term = ProjectivePoint.infinity
      pick(magnitude, into: &term)
      var opposite = FieldElement.zero
      opposite -= term.y
      term.y = .select(negative, opposite, term.y)
      sum += term
    }

    /// Bits 4 · index − 1 to 4 · index + 3 of `key`, with zeros around it.
    private static func fiveBits(of key: Words256, below index: Int) -> UInt32 {
      if index == 0 { return key.words[0] &<< 1 & 31 }
      let first = 4 * index - 1
      let word = first >> 5
      let above = word < 7 ? key.words[word + 1] : 0
      let both = UInt64(above) &<< 32 | UInt64(key.words[word])
      return UInt32(truncatingIfNeeded: both &>> UInt64(first & 31)) & 31
    }

    private mutating func finish() {
      // Never at infinity: the key is less than the order, which is that of every point.
      sum.z.invert()
      sum.x *= sum.z
      sum.y *= sum.z
      product = PublicKey(computedX: sum.x.number, y: sum.y.number)
      // What could tell the key.
      key = .zero
      sum = .infinity
    }
  }
}
