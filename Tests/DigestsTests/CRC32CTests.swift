import Digests
import Testing

/// The examples of RFC 3720, appendix B.4 (shown there in the order of the wire, least significant byte first).
@Suite struct CRC32CTests {
  @Test func agreesWithTheExamplesOfRFC3720() {
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32).span) == 0x8a91_36aa)
    #expect(CRC32C.of([UInt8](repeating: 0xff, count: 32).span) == 0x62a8_ab43)
    #expect(CRC32C.of([UInt8](0..<32).span) == 0x46dd_794e)
    #expect(CRC32C.of([UInt8]((0..<32).reversed()).span) == 0x113f_db5c)
  }

  @Test func theCheckValueOfTheCatalogues() {
    #expect(CRC32C.of([UInt8]("123456789".utf8).span) == 0xe306_9283)
    #expect(CRC32C().value == 0)
  }
}
