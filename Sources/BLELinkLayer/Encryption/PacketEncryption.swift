import Cryptography

/// Who sent a packet, as the nonce says it.
enum PacketDirection: UInt8 {
  case toCentral = 0
  case toPeripheral = 0x80
}

/// AES-CCM of one packet (Core specification, Vol 6 Part E; RFC 3610 with M = 4 and L = 2). The MIC covers the
/// header's first octet without NESN, SN and MD, which may change when a packet is sent again.
struct PacketNonce {
  static let tagLength = 4
  /// What of a header's first octet is covered.
  static let coveredBits: UInt8 = 0xe3

  var counter: UInt64
  var direction: PacketDirection
  var vector: UInt64

  /// A block of CCM: flags, the nonce, and two octets of counter or length.
  private func block(flags: UInt8, _ last: UInt16) -> Block128 {
    let high = UInt8(truncatingIfNeeded: counter >> 32) & 0x7f | direction.rawValue
    let low = UInt32(truncatingIfNeeded: counter)
    return Block128(
      UInt32(flags) << 24 | low.byteSwapped >> 8,
      low & 0xff00_0000 | UInt32(high) << 16 | UInt32(UInt16(truncatingIfNeeded: vector).byteSwapped),
      UInt32(truncatingIfNeeded: vector >> 16).byteSwapped,
      UInt32(UInt16(truncatingIfNeeded: vector >> 48).byteSwapped) << 16 | UInt32(last))
  }

  /// Encrypts or decrypts `count` octets of `payload` in place.
  ///
  /// - Returns: the MIC of the plain text, encrypted, its first octet in the top byte.
  func apply<Encryption: BlockEncryption>(
    _ encryption: inout Encryption, header: UInt8, to payload: inout MutableSpan<UInt8>, at start: Int,
    count: Int, decrypts: Bool
  ) -> UInt32 {
    // The code's chain over the plain text and the key stream go side by side: two blocks cost as much as one.
    var chain = block(flags: 0x49, UInt16(truncatingIfNeeded: count))
    var mask = block(flags: 0x01, 0)
    encryption.encrypt(&chain, &mask)
    chain.words[0] ^= 0x0001_0000 | UInt32(header & Self.coveredBits) << 8
    var index: UInt16 = 1
    var offset = 0
    while offset < count {
      var stream = block(flags: 0x01, index)
      encryption.encrypt(&chain, &stream)
      for i in 0..<min(16, count - offset) {
        let given = payload[start + offset + i]
        let other = given ^ stream[byte: i]
        chain[byte: i] ^= decrypts ? other : given
        payload[start + offset + i] = other
      }
      index += 1
      offset += 16
    }
    var spare = Block128.zero
    encryption.encrypt(&chain, &spare)
    return chain.words[0] ^ mask.words[0]
  }
}
