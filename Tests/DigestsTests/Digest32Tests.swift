import Digests
import Testing

@Suite struct Digest32Tests {
  private func digest(_ change: (inout [UInt8]) -> Void = { _ in }) -> Digest32 {
    var bytes = [UInt8](0..<32)
    change(&bytes)
    return Digest32(bytes.span)!
  }

  @Test func holdsExactly32Bytes() {
    for count in [0, 31, 33] { #expect(Digest32([UInt8](repeating: 1, count: count).span) == nil) }
    let held = digest()
    for i in 0..<Digest32.count {
      let inSpan = held.span[i]
      #expect(held[i] == UInt8(i) && inSpan == UInt8(i))
    }
    #expect(Digest32.zero == digest { for i in 0..<32 { $0[i] = 0 } })
  }

  @Test func everyByteCountsForEqualityAndOrder() {
    let original = digest()
    #expect(original == digest())
    #expect(!(original < digest()))
    for i in 0..<32 {
      let greater = digest { $0[i] = 0xff }
      #expect(original != greater)
      #expect(original < greater)
      #expect(!(greater < original))
      #expect(Set([original, greater, digest()]).count == 2)
    }
    // An earlier byte outweighs the later ones.
    #expect(digest { $0[8] = 0 } < digest { $0[31] = 0 })
  }

  @Test func isWrittenAndReadInHexadecimal() {
    let text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    #expect(digest().description == text)
    #expect(digest().short == "00010203")
    #expect(Digest32(hex: text) == digest())
    #expect(Digest32(hex: text.uppercased()) == digest())
  }

  @Test func anythingElseIsNotReadAsADigest() {
    let text = String(repeating: "ab", count: 32)
    for start in ["0x", " a", "-a", "+a", "ga", "@a", "`a", "/a", ":a", "é"] {
      let wrong = start + text.dropFirst(start.utf8.count)
      #expect(wrong.utf8.count == 64 && Digest32(hex: wrong) == nil, "\(wrong)")
    }
    for wrong in ["", String(text.dropLast()), text + "a", text + "ab"] {
      #expect(Digest32(hex: wrong) == nil, "\(wrong)")
    }
  }
}
