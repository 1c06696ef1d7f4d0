/// A generator of unpredictable bits: CTR_DRBG of NIST SP 800-90A §10.2.1 with AES-128, without derivation function.
///
/// A board's source of noise is slow, and a test wants to repeat itself: both seed this one. What was drawn cannot be
/// told from a later state, as the key changes with every draw.
public struct RandomBits: Sendable {
  /// Number of bytes of a seed, which must be full of entropy: nothing is extracted from them.
  public static let seedCount = 32

  private var key = Block128.zero
  private var counter = Block128.zero

  /// Starts from a seed of ``seedCount`` bytes.
  public init(seed: Words256) {
    update(with: seed)
  }

  /// Mixes another seed in. Harmless, whatever it is.
  public mutating func reseed(_ seed: Words256) {
    update(with: seed)
  }

  /// 128 bits.
  public mutating func block() -> Block128 {
    let block = next(AES128(key: key))
    update(with: .zero)
    return block
  }

  /// 256 bits.
  public mutating func words() -> Words256 {
    let cipher = AES128(key: key)
    let high = next(cipher)
    let low = next(cipher)
    update(with: .zero)
    return Words256(high: high, low: low)
  }

  private mutating func update(with data: Words256) {
    let cipher = AES128(key: key)
    let w = data.words
    key = next(cipher) ^ Block128(w[7], w[6], w[5], w[4])
    counter = next(cipher) ^ Block128(w[3], w[2], w[1], w[0])
  }

  private mutating func next(_ cipher: AES128) -> Block128 {
    var carry: UInt32 = 1
    for i in 0..<4 {
      let (sum, overflow) = counter.words[3 - i].addingReportingOverflow(carry)
      counter.words[3 - i] = sum
      carry = overflow ? 1 : 0
    }
    return cipher.encrypt(counter)
  }
}
