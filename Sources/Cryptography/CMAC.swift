/// AES-CMAC (RFC 4493, NIST SP 800-38B) over bytes that arrive in pieces of any size; nothing is allocated.
///
/// ```swift
/// var code = CMAC(key: key)
/// code.update(byte: 0)
/// code.update(block)
/// let tag = code.finalize()
/// ```
public struct CMAC: Sendable {
  private let cipher: AES128
  private var state = Block128.zero
  /// The block that is being filled. It is enciphered only once more bytes follow, as the last one is special.
  private var block = Block128.zero
  private var blockCount = 0

  /// Starts a code of no bytes under `key`.
  public init(key: Block128) {
    cipher = AES128(key: key)
  }

  /// Takes one byte.
  public mutating func update(byte: UInt8) {
    if blockCount == Block128.byteCount {
      state = cipher.encrypt(state ^ block)
      block = .zero
      blockCount = 0
    }
    block[byte: blockCount] = byte
    blockCount += 1
  }

  /// Takes more bytes; where one call ends and the next begins does not show in the code.
  public mutating func update(_ bytes: Span<UInt8>) {
    for i in 0..<bytes.count { update(byte: bytes[i]) }
  }

  /// Takes the 16 bytes of `value`, most significant first.
  public mutating func update(_ value: Block128) {
    for i in 0..<Block128.byteCount { update(byte: value[byte: i]) }
  }

  /// Takes the 32 bytes of `value`, most significant first.
  public mutating func update(_ value: Words256) {
    for i in 0..<Words256.byteCount { update(byte: value[byte: Words256.byteCount - 1 - i]) }
  }

  /// The code of all bytes taken; afterwards it starts anew under the same key.
  public mutating func finalize() -> Block128 {
    var subkey = Self.doubled(cipher.encrypt(.zero))
    if blockCount < Block128.byteCount {
      // Whether the last block is whole depends on the length, which is no secret.
      subkey = Self.doubled(subkey)
      block[byte: blockCount] = 0x80
    }
    let code = cipher.encrypt(state ^ block ^ subkey)
    state = .zero
    block = .zero
    blockCount = 0
    return code
  }

  /// Twice `block` in GF(2^128) with the polynomial x^128 + x^7 + x^2 + x + 1, without a branch.
  private static func doubled(_ block: Block128) -> Block128 {
    let w = block.words
    let carry: UInt32 = 0 &- w[0] &>> 31
    return Block128(
      w[0] &<< 1 | w[1] &>> 31, w[1] &<< 1 | w[2] &>> 31, w[2] &<< 1 | w[3] &>> 31,
      w[3] &<< 1 ^ (carry & 0x87))
  }
}
