import Bytes
import PropertyTesting
import Testing

@testable import Cryptography

@Suite struct AES128Tests {
  @Test func enciphersThePublishedExamples() throws {
    for vector in try Vectors.load().aes {
      let cipher = AES128(key: Block128(hex: vector.key))
      #expect(cipher.encrypt(Block128(hex: vector.text)) == Block128(hex: vector.code))
    }
  }

  @Test func enciphersAChainOfKeysAndTextsLikeOpenSSL() throws {
    let chain = try Vectors.load().aesChain
    var key = Block128(hex: chain.key)
    var block = Block128(hex: chain.text)
    for i in 0..<chain.count {
      block = AES128(key: key).encrypt(block)
      if i % 2 == 1 { key = key ^ block }
    }
    #expect(block == Block128(hex: chain.code))
  }

  @Test func twoBlocksAtOnceAreTheSameAsOneAfterTheOther() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let cipher = AES128(key: Block128(bigEndian: random.bytes(16).span)!)
      let texts = (
        Block128(bigEndian: random.bytes(16).span)!, Block128(bigEndian: random.bytes(16).span)!
      )
      var (first, second) = texts
      cipher.encrypt(&first, &second)
      #expect(first == cipher.encrypt(texts.0), "seed \(seed)")
      #expect(second == cipher.encrypt(texts.1), "seed \(seed)")
    }
  }

  // The S-box defined, not listed: the inverse modulo x⁸ + x⁴ + x³ + x + 1, and the affine map (FIPS 197 §5.1.1).
  @Test func theCircuitIsTheSubstitutionOfEveryByte() {
    func product(_ a: UInt8, _ b: UInt8) -> UInt8 {
      var (a, b, product) = (a, b, UInt8(0))
      while b != 0 {
        if b & 1 == 1 { product ^= a }
        a = a & 0x80 == 0 ? a << 1 : a << 1 ^ 0x1b
        b >>= 1
      }
      return product
    }
    for byte in 0...255 {
      let byte = UInt8(byte)
      let inverse = (0...255).map { UInt8($0) }.first { product(byte, $0) == 1 } ?? 0
      var expected: UInt8 = 0x63
      for turn in 0..<5 { expected ^= inverse << turn | UInt8(UInt16(inverse) >> (8 - turn) & 0xff) }
      // Each bit in all 32 places of its plane.
      var planes = InlineArray<8, UInt32> { byte >> UInt8($0) & 1 == 1 ? .max : 0 }
      AESSubstitution.apply(to: &planes)
      for i in 0..<8 { #expect(planes[i] == (expected >> UInt8(i) & 1 == 1 ? .max : 0)) }
    }
  }

  @Test func blocksKeepTheirBytesInBothOrders() {
    let bytes = (0..<16).map { UInt8($0 * 11 + 3) }
    let block = Block128(bigEndian: bytes.span)
    #expect(block?.bytes == bytes)
    #expect(block == Block128(littleEndian: Array(bytes.reversed()).span))
    var buffer = BoundedBytes(capacity: 32)
    block?.append(bigEndianTo: &buffer)
    block?.append(littleEndianTo: &buffer)
    #expect(buffer.copied() == bytes + bytes.reversed())
    #expect(Block128(bigEndian: Array(bytes.dropLast()).span) == nil)
    #expect(Block128(littleEndian: (bytes + [0]).span) == nil)
  }

  @Test func blocksThatDifferInOneBitDiffer() {
    let block = Block128(0x0123_4567, 0x89ab_cdef, 0, .max)
    for bit in 0..<128 {
      var other = block
      other[byte: bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(other != block)
    }
  }
}
