/// AES with a 128-bit key (FIPS 197), encryption only: what CMAC, CCM and the generator of random bits are built on.
///
/// Bitsliced (Biham, "A fast new DES implementation in software", FSE 1997): the bits of one weight of all bytes are
/// collected in one word, so that the S-box is a circuit of logic operations. No table is looked up and no branch
/// taken that depends on key or text, which makes the time constant, with or without a data cache. Two blocks take
/// as long as one.
///
/// A plane holds bit `8 * row + 2 * column + block` for the byte at `row` and `column` of the state of `block`:
/// rotating a plane by 8 turns the rows.
public struct AES128: Sendable {
  private static let rounds = 10
  /// The planes of the eleven round keys, the same bits for both blocks.
  private var roundKeys = InlineArray<88, UInt32>(repeating: 0)

  /// Expands `key` (FIPS 197 §5.2).
  public init(key: Block128) {
    var words = key.words
    var constant: UInt32 = 0x0100_0000
    setRoundKey(0, words)
    for round in 1...Self.rounds {
      let last = words[3]
      words[0] ^= Self.substituted(last &<< 8 | last &>> 24) ^ constant
      words[1] ^= words[0]
      words[2] ^= words[1]
      words[3] ^= words[2]
      // x times the constant in GF(2^8): a known sequence, no secret.
      constant = round == 8 ? 0x1b00_0000 : constant &<< 1
      setRoundKey(round, words)
    }
  }

  /// The encryption of `block`.
  public func encrypt(_ block: Block128) -> Block128 {
    var first = block
    var second = Block128.zero
    encrypt(&first, &second)
    return first
  }

  /// Encrypts two blocks, in the time of one.
  public func encrypt(_ first: inout Block128, _ second: inout Block128) {
    var planes = Self.planes(of: first.words, second.words)
    Self.encrypt(&planes, roundKeys.span)
    Self.transpose(&planes)
    for column in 0..<4 {
      first.words[column] = planes[2 * column].byteSwapped
      second.words[column] = planes[2 * column + 1].byteSwapped
    }
  }

  private static func encrypt(_ planes: inout InlineArray<8, UInt32>, _ keys: Span<UInt32>) {
    addRoundKey(keys.extracting(0..<8), to: &planes)
    for round in 1..<rounds {
      AESSubstitution.apply(to: &planes)
      shiftRows(&planes)
      mixColumns(&planes)
      addRoundKey(keys.extracting(8 &* round..<8 &* round &+ 8), to: &planes)
    }
    AESSubstitution.apply(to: &planes)
    shiftRows(&planes)
    addRoundKey(keys.extracting(80..<88), to: &planes)
  }

  private mutating func setRoundKey(_ round: Int, _ words: InlineArray<4, UInt32>) {
    let planes = Self.planes(of: words, words)
    for i in 0..<8 { roundKeys[8 * round + i] = planes[i] }
  }

  @inline(__always)
  private static func addRoundKey(_ key: Span<UInt32>, to planes: inout InlineArray<8, UInt32>) {
    precondition(key.count == 8)
    for i in 0..<8 { planes[i] ^= key[i] }
  }

  /// The S-box for each byte of a word.
  private static func substituted(_ word: UInt32) -> UInt32 {
    var planes = InlineArray<8, UInt32>(repeating: 0)
    planes[0] = word
    transpose(&planes)
    AESSubstitution.apply(to: &planes)
    transpose(&planes)
    return planes[0]
  }

  private static func planes(
    of first: InlineArray<4, UInt32>, _ second: InlineArray<4, UInt32>
  ) -> InlineArray<8, UInt32> {
    var planes = InlineArray<8, UInt32> { i in (i & 1 == 0 ? first[i >> 1] : second[i >> 1]).byteSwapped }
    transpose(&planes)
    return planes
  }

  /// Mirrors, in each of the four byte lanes, the 8 × 8 bits of the eight words: bit j of word i and bit i of word j
  /// change places.
  @inline(never)
  private static func transpose(_ words: inout InlineArray<8, UInt32>) {
    for i in 0..<4 { exchange(&words, 2 * i, 2 * i + 1, distance: 1, mask: 0x5555_5555) }
    for i in 0..<4 {
      let a = (i & 1) | (i & 2) << 1
      exchange(&words, a, a + 2, distance: 2, mask: 0x3333_3333)
    }
    for i in 0..<4 { exchange(&words, i, i + 4, distance: 4, mask: 0x0f0f_0f0f) }
  }

  /// The bits of word `a` above `mask` and those of word `b` under it change places.
  @inline(__always)
  private static func exchange(
    _ words: inout InlineArray<8, UInt32>, _ a: Int, _ b: Int, distance: UInt32, mask: UInt32
  ) {
    let difference = (words[a] &>> distance ^ words[b]) & mask
    words[b] ^= difference
    words[a] ^= difference &<< distance
  }

  /// Row r moves r columns to the left (FIPS 197 §5.1.2): its byte turns by 2r bits.
  @inline(__always)
  private static func shiftRows(_ planes: inout InlineArray<8, UInt32>) {
    for i in 0..<8 {
      let x = planes[i]
      let right = (x & 0x0000_fc00) &>> 2 | (x & 0x00f0_0000) &>> 4 | (x & 0xc000_0000) &>> 6
      let left = (x & 0x0000_0300) &<< 6 | (x & 0x000f_0000) &<< 4 | (x & 0x3f00_0000) &<< 2
      planes[i] = (x & 0x0000_00ff) | right | left
    }
  }

  /// Each column times 3x³ + x² + x + 2 (FIPS 197 §5.1.3): with t = a + next row's a, each byte becomes
  /// 2t + next row's a + t of two rows on.
  @inline(__always)
  private static func mixColumns(_ planes: inout InlineArray<8, UInt32>) {
    let p = planes
    // 2t is t one plane further up, less the polynomial x⁸ + x⁴ + x³ + x + 1 where the top plane is set.
    let top = turned(p[7]) ^ p[7]
    planes = [
      mixed(p[0], top),
      mixed(p[1], turned(p[0]) ^ p[0] ^ top),
      mixed(p[2], turned(p[1]) ^ p[1]),
      mixed(p[3], turned(p[2]) ^ p[2] ^ top),
      mixed(p[4], turned(p[3]) ^ p[3] ^ top),
      mixed(p[5], turned(p[4]) ^ p[4]),
      mixed(p[6], turned(p[5]) ^ p[5]),
      mixed(p[7], turned(p[6]) ^ p[6]),
    ]
  }

  /// A plane with the next row's bits in the place of each row's.
  @inline(__always)
  private static func turned(_ plane: UInt32) -> UInt32 { plane &>> 8 | plane &<< 24 }

  /// A plane of the mixed columns, of the plane itself and that of 2t.
  @inline(__always)
  private static func mixed(_ plane: UInt32, _ doubled: UInt32) -> UInt32 {
    let next = turned(plane)
    let sum = next ^ plane
    return doubled ^ next ^ (sum &>> 16 | sum &<< 16)
  }
}
