/// The order in which an epoch takes its examples: a permutation of 0..<count that costs no memory.
///
/// A balanced Feistel network permutes the numbers of the smallest even number of bits that holds
/// 0..<count; a result outside is fed in again until it falls inside ("cycle walking", Black and Rogaway,
/// "Ciphers with Arbitrary Finite Domains", CT-RSA 2002). That is less than four turns on average. The
/// round function and the key schedule use the 32-bit finaliser of Austin Appleby's MurmurHash3. It mixes;
/// it keeps no secret.
public struct EpochOrder: Sendable {
  /// Number of examples, at least 1.
  public let count: Int

  private let halfBits: UInt32
  private var keys: InlineArray<6, UInt32>

  /// The order of `epoch` under `seed`.
  ///
  /// - Precondition: `count` is in 1...2²⁴.
  public init(count: Int, seed: UInt32, epoch: UInt32) {
    precondition(count >= 1 && count <= Self.maximumCount, "no order of that many examples")
    self.count = count
    var half: UInt32 = 1
    while (1 << (2 * half)) < UInt32(count) { half += 1 }
    halfBits = half
    keys = .init(repeating: 0)
    // A Weyl sequence through the finaliser, as in Steele, Lea and Flood's SplitMix (OOPSLA 2014).
    var state = Self.mix(seed) ^ Self.mix(epoch &+ 0x6a09_e667)
    for i in 0..<6 {
      state = state &+ 0x9e37_79b9
      keys[i] = Self.mix(state)
    }
  }

  /// The most examples that can be put in order.
  public static let maximumCount = 1 << 24

  /// The example at `position`.
  ///
  /// - Precondition: `position` is in 0..<``count``.
  public func example(at position: Int) -> Int {
    precondition(position >= 0 && position < count, "no such position")
    let mask = (UInt32(1) << halfBits) - 1
    var value = UInt32(position)
    repeat {
      var left = value >> halfBits
      var right = value & mask
      for i in 0..<6 {
        let next = left ^ (Self.mix(right ^ keys[i]) & mask)
        left = right
        right = next
      }
      value = (left << halfBits) | right
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
