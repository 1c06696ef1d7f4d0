/// The order in which an epoch takes its examples: a permutation of 0..<count that costs no memory.
///
/// A Feistel network permutes the numbers of as many bits as 0..<count needs; a result outside is fed in
/// again until it falls inside ("cycle walking", Black and Rogaway, "Ciphers with Arbitrary Finite
/// Domains", CT-RSA 2002). That is less than two turns on average beyond 8 examples. The round function
/// and the key schedule use the 32-bit finaliser of Austin Appleby's MurmurHash3. It mixes; it keeps no secret.
public struct EpochOrder: Sendable {
  /// Number of examples, at least 1.
  public let count: Int

  // The two parts of a number; the left one has the odd bit.
  private let leftMask: UInt32
  private let rightMask: UInt32
  private let rightBits: UInt32
  private let rounds: Int
  private var keys: InlineArray<12, UInt32>

  /// The most examples that can be put in order.
  public static let maximumCount = 1 << 24

  /// The order of `epoch` under `seed`.
  ///
  /// - Precondition: `count` is in 1...``maximumCount``.
  public init(count: Int, seed: UInt32, epoch: UInt32) {
    precondition(count >= 1 && count <= Self.maximumCount, "no order of that many examples")
    self.count = count
    var bits: UInt32 = 4
    while (1 << bits) < UInt32(count) { bits += 1 }
    rightBits = bits / 2
    rightMask = (1 << rightBits) - 1
    leftMask = (1 << (bits - rightBits)) - 1
    // A round does little to a part of two bits: six leave orders of up to 32 examples visibly uneven.
    rounds = bits < 6 ? 12 : 6
    keys = .init(repeating: 0)
    // A Weyl sequence through the finaliser, as in Steele, Lea and Flood's SplitMix (OOPSLA 2014).
    var state = Self.mix(seed) ^ Self.mix(epoch &+ 0x6a09_e667)
    for i in 0..<rounds {
      state = state &+ 0x9e37_79b9
      keys[i] = Self.mix(state)
    }
  }

  /// The example at `position`.
  ///
  /// - Precondition: `position` is in 0..<``count``.
  public func example(at position: Int) -> Int {
    precondition(position >= 0 && position < count, "no such position")
    var value = UInt32(position)
    repeat {
      var left = value >> rightBits
      var right = value & rightMask
      var i = 0
      while i < rounds {
        left ^= Self.mix(right ^ keys[i]) & leftMask
        right ^= Self.mix(left ^ keys[i + 1]) & rightMask
        i += 2
      }
      value = (left << rightBits) | right
    } while value >= UInt32(count)
    return Int(value)
  }

  private static func mix(_ value: UInt32) -> UInt32 {
    var h = value
    h ^= h >> 16
    h = h &* 0x85eb_ca6b
    h ^= h >> 13
    h = h &* 0xc2b2_ae35
    return h ^ (h >> 16)
  }
}
