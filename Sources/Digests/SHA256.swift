/// SHA-256 (FIPS 180-4 §6.2) over bytes that arrive in pieces of any size; nothing is allocated.
///
/// ```swift
/// var hash = SHA256()
/// hash.update(header)
/// hash.update(payload)
/// let name = hash.finalize()
/// ```
public struct SHA256: Sendable {
  private var state = Self.initialState
  /// What did not yet fill a block of 64 bytes.
  private var block = InlineArray<64, UInt8>(repeating: 0)
  private var blockCount = 0
  /// Bytes taken so far; the standard's limit of 2^64 − 1 bits is out of reach.
  private var length: UInt64 = 0

  /// Starts a digest of no bytes.
  public init() {}

  /// Takes more bytes; where one call ends and the next begins does not show in the digest.
  public mutating func update(_ bytes: Span<UInt8>) {
    length &+= UInt64(bytes.count)
    var at = 0
    if blockCount > 0 {
      while at < bytes.count, blockCount < 64 {
        block[blockCount] = bytes[at]
        blockCount += 1
        at += 1
      }
      guard blockCount == 64 else { return }
      compressBlock()
      blockCount = 0
    }
    while bytes.count - at >= 64 {
      Self.compress(bytes.extracting(at..<at + 64), into: &state)
      at += 64
    }
    while at < bytes.count {
      block[blockCount] = bytes[at]
      blockCount += 1
      at += 1
    }
  }

  /// The digest of all bytes taken; afterwards it starts anew, as after ``init()``.
  public mutating func finalize() -> Digest32 {
    let bits = length &* 8
    block[blockCount] = 0x80
    blockCount += 1
    if blockCount > 56 {
      for i in blockCount..<64 { block[i] = 0 }
      compressBlock()
      blockCount = 0
    }
    for i in blockCount..<56 { block[i] = 0 }
    for i in 0..<8 { block[56 + i] = UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * i)) }
    compressBlock()
    let final = state
    self = Self()
    return Digest32(
      storage: .init { UInt8(truncatingIfNeeded: final[$0 / 4] >> UInt32(24 - 8 * ($0 % 4))) })
  }

  /// The digest of bytes that are all at hand.
  public static func hash(of bytes: Span<UInt8>) -> Digest32 {
    var hash = Self()
    hash.update(bytes)
    return hash.finalize()
  }

  private mutating func compressBlock() {
    Self.compress(block.span, into: &state)
  }

  /// One application of the compression function to the 64 bytes of `bytes` (FIPS 180-4 §6.2.2). The message
  /// schedule is kept as a ring of its last 16 words.
  private static func compress(_ bytes: Span<UInt8>, into state: inout InlineArray<8, UInt32>) {
    precondition(bytes.count == 64)
    var schedule = InlineArray<16, UInt32> { i in
      UInt32(bytes[4 * i]) << 24 | UInt32(bytes[4 * i + 1]) << 16
        | UInt32(bytes[4 * i + 2]) << 8 | UInt32(bytes[4 * i + 3])
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    // Four times sixteen rounds: the places in the ring are then constants of the inner, unrolled loop.
    for sixteen in 0..<4 {
      for i in 0..<16 {
        if sixteen > 0 {
          let w2 = schedule[(i + 14) & 15]
          let w15 = schedule[(i + 1) & 15]
          let sigma1 = rotated(w2, 17) ^ rotated(w2, 19) ^ w2 >> 10
          let sigma0 = rotated(w15, 7) ^ rotated(w15, 18) ^ w15 >> 3
          schedule[i] &+= sigma1 &+ schedule[(i + 9) & 15] &+ sigma0
        }
        let sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
        let choice = g ^ (e & (f ^ g))
        let t1 = h &+ sum1 &+ choice &+ roundConstants[16 * sixteen + i] &+ schedule[i]
        let sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
        let majority = (a & b) | (c & (a | b))
        h = g
        g = f
        f = e
        e = d &+ t1
        d = c
        c = b
        b = a
        a = t1 &+ sum0 &+ majority
      }
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }

  @inline(__always)
  private static func rotated(_ word: UInt32, _ places: UInt32) -> UInt32 {
    word &>> places | word &<< (32 &- places)
  }

  /// The first 32 bits of the fractional parts of the square roots of the first 8 primes (§5.3.3).
  private static let initialState: InlineArray<8, UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c,
    0x1f83_d9ab, 0x5be0_cd19,
  ]

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (§4.2.2).
  private static let roundConstants: InlineArray<64, UInt32> = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1,
    0x923f_82a4, 0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3,
    0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786,
    0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147,
    0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13,
    0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a,
    0x5b9c_ca4f, 0x682e_6ff3, 0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208,
    0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}
