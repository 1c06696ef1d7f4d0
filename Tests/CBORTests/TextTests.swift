import CBOR
import PropertyTesting
import Testing

/// The validation of UTF-8 against the standard library's.
@Suite struct TextTests {
  private func isAccepted(_ text: [UInt8]) -> Bool {
    let input = [0x60 | UInt8(text.count)] + text
    var cbor = CBORDecoder(input.span)
    do {
      return copied(try cbor.text()) == text
    } catch {
      return false
    }
  }

  @Test func everyTextOfUpToTwoBytes() {
    for first in UInt8.min...UInt8.max {
      #expect(isAccepted([first]) == (String(validating: [first], as: UTF8.self) != nil))
      for second in UInt8.min...UInt8.max {
        let text = [first, second]
        if isAccepted(text) != (String(validating: text, as: UTF8.self) != nil) {
          Issue.record("\(hex(text))")
        }
      }
    }
  }

  @Test func textsOfBytesThatMatter() {
    var generator = SeededGenerator(seed: 41)
    let bytes: [UInt8] = [
      0x00, 0x61, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
      0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
    ]
    var accepted = 0
    for _ in 0..<60_000 {
      // A likely lead, continuations, something else: most are almost UTF-8.
      var text = [bytes[.random(in: 10..<25, using: &generator)]]
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        text.append(bytes[.random(in: 0..<(Bool.random(using: &generator) ? 25 : 9), using: &generator)])
      }
      let expected = String(validating: text, as: UTF8.self) != nil
      accepted += expected ? 1 : 0
      if isAccepted(text) != expected { Issue.record("\(hex(text))") }
    }
    #expect(accepted > 2000)
  }

  @Test func whateverIsGivenAsTextIsSentAsUTF8OfTheSameLength() throws {
    var generator = SeededGenerator(seed: 42)
    for _ in 0..<10_000 {
      let text = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
        UInt8.random(in: Bool.random(using: &generator) ? 0...255 : 0x80...0xbf, using: &generator)
      }
      var encoder = CBOREncoder(capacity: 20)
      encoder.text(text.span)
      var decoder = CBORDecoder(encoder.span)
      let sent = copied(try decoder.text())
      #expect(sent.count == text.count)
      if String(validating: text, as: UTF8.self) != nil { #expect(sent == text) }
    }
  }
}
