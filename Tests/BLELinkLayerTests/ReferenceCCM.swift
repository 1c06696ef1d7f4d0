import Cryptography

/// AES-CCM as RFC 3610 describes it, octet by octet, to hold the link layer's against.
struct ReferenceCCM {
  private let cipher: AES128
  let vector: [UInt8]

  /// - Parameters:
  ///   - key: most significant octet first.
  ///   - vector: as it goes over the air, the central's half first.
  init(key: [UInt8], vector: [UInt8]) {
    cipher = AES128(key: Block128(bigEndian: key.span)!)
    self.vector = vector
  }

  private func encrypt(_ block: [UInt8]) -> [UInt8] {
    let result = cipher.encrypt(Block128(bigEndian: block.span)!)
    return (0..<16).map { result[byte: $0] }
  }

  private func nonce(_ counter: UInt64, fromCentral: Bool) -> [UInt8] {
    var nonce = (0..<5).map { UInt8(truncatingIfNeeded: counter >> UInt64(8 * $0)) }
    nonce[4] = nonce[4] & 0x7f | (fromCentral ? 0x80 : 0)
    return nonce + vector
  }

  private func tag(_ nonce: [UInt8], _ header: UInt8, _ text: [UInt8]) -> [UInt8] {
    var blocks = [0x49] + nonce + [UInt8(text.count >> 8), UInt8(text.count & 255)]
    blocks += [0, 1, header & 0xe3] + [UInt8](repeating: 0, count: 13)
    blocks += text + [UInt8](repeating: 0, count: (16 - text.count % 16) % 16)
    var chain = [UInt8](repeating: 0, count: 16)
    for start in stride(from: 0, to: blocks.count, by: 16) {
      chain = encrypt((0..<16).map { chain[$0] ^ blocks[start + $0] })
    }
    return Array(chain[..<4])
  }

  private func stream(_ nonce: [UInt8], _ index: Int) -> [UInt8] {
    encrypt([1] + nonce + [UInt8(index >> 8), UInt8(index & 255)])
  }

  private func masked(_ nonce: [UInt8], _ text: [UInt8]) -> [UInt8] {
    stride(from: 0, to: text.count, by: 16).flatMap { start in
      zip(text[start..<min(start + 16, text.count)], stream(nonce, 1 + start / 16)).map { $0 ^ $1 }
    }
  }

  /// The payload and MIC that go over the air.
  func seal(_ text: [UInt8], header: UInt8, counter: UInt64, fromCentral: Bool) -> [UInt8] {
    let nonce = nonce(counter, fromCentral: fromCentral)
    let mask = stream(nonce, 0)
    let tag = tag(nonce, header, text)
    return masked(nonce, text) + (0..<4).map { tag[$0] ^ mask[$0] }
  }

  /// The payload; nil if the MIC is wrong.
  func open(_ octets: [UInt8], header: UInt8, counter: UInt64, fromCentral: Bool) -> [UInt8]? {
    guard octets.count > 4 else { return nil }
    let text = masked(nonce(counter, fromCentral: fromCentral), Array(octets.dropLast(4)))
    return seal(text, header: header, counter: counter, fromCentral: fromCentral) == octets ? text : nil
  }
}
