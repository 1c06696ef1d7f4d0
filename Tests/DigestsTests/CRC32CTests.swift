import Digests
import PropertyTesting
import Testing

@Suite struct CRC32CTests {
  @Test func agreesWithTheExamplesOfRFC3720() throws {
    for vector in try Vectors.load().crc32c {
      #expect(CRC32C.of(unhex(vector.message).span) == vector.value, "\(vector.message)")
    }
    #expect(CRC32C().value == 0)
  }

  /// The definition of RFC 3720 §12.1, one bit after the other.
  private func divided(_ bytes: [UInt8]) -> UInt32 {
    var remainder: UInt32 = 0xffff_ffff
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0x82f6_3b78 : 0) }
    }
    return ~remainder
  }

  @Test func agreesWithPolynomialDivisionHoweverTheBytesAreCut() {
    var generator = SeededGenerator(seed: 1)
    for round in 0..<300 {
      let bytes = generator.bytes(round)
      let cuts = generator.cuts(of: bytes.count)
      var (crc, byByte) = (CRC32C(), CRC32C())
      for (from, to) in zip(cuts, cuts.dropFirst()) { crc.update(bytes.span.extracting(from..<to)) }
      for byte in bytes { byByte.update(byte: byte) }
      let expected = divided(bytes)
      #expect(crc.value == expected && byByte.value == expected, "seed 1, \(round) bytes cut at \(cuts)")
    }
  }

  @Test func everyFlippedBitAndEveryShortBurstShows() {
    var generator = SeededGenerator(seed: 2)
    let bytes = generator.bytes(64)
    let crc = CRC32C.of(bytes.span)
    for bit in 0..<bytes.count * 8 - 32 {
      // A burst of up to 32 bits that begins at this one.
      let burst = generator.next() & 0xffff_ffff | 1
      for pattern in [1, burst] {
        var damaged = bytes
        for i in 0..<32 where pattern >> UInt64(i) & 1 == 1 {
          damaged[(bit + i) / 8] ^= 1 << UInt8((bit + i) % 8)
        }
        #expect(CRC32C.of(damaged.span) != crc)
      }
    }
  }
}
