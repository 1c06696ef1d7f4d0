import PropertyTesting
import Testing

@testable import Cryptography

@Suite struct FieldElementTests {
  /// An element of which the words are drawn in Montgomery's form, so that extreme ones come up.
  private func element(_ random: inout SeededGenerator) -> FieldElement {
    while true {
      let words = random.words()
      if words.lessMask(Words256(words: FieldElement.prime)) != 0 { return FieldElement(words: words.words) }
    }
  }

  private func number(_ small: UInt32) -> FieldElement {
    FieldElement(Words256(words: [small, 0, 0, 0, 0, 0, 0, 0]))!
  }

  @Test func isAField() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
      let (a, b, c) = (element(&random), element(&random), element(&random))
      #expect(a + b == b + a, "seed \(seed)")
      #expect(a * b == b * a, "seed \(seed)")
      #expect((a + b) + c == a + (b + c), "seed \(seed)")
      #expect((a * b) * c == a * (b * c), "seed \(seed)")
      #expect(a * (b + c) == a * b + a * c, "seed \(seed)")
      #expect((a - b) + b == a, "seed \(seed)")
      #expect(a - a == .zero && a + .zero == a && a * .one == a, "seed \(seed)")
      for result in [a + b, a - b, a * b] {
        #expect(
          Words256(words: result.words).lessMask(Words256(words: FieldElement.prime)) != 0, "seed \(seed)")
      }
    }
  }

  @Test func everyElementButZeroHasItsInverse() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let a = element(&random)
      var inverse = a
      inverse.invert()
      #expect(a * inverse == (a == .zero ? .zero : .one), "seed \(seed)")
    }
    var zero = FieldElement.zero
    zero.invert()
    #expect(zero == .zero)
  }

  @Test func goesIntoMontgomerysFormAndBack() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<1000 {
      let words = random.words()
      let reduced = words.lessMask(Words256(words: FieldElement.prime)) != 0
      let element = FieldElement(words)
      #expect((element != nil) == reduced, "seed \(seed)")
      if let element { #expect(element.number == words, "seed \(seed)") }
    }
    #expect(FieldElement(Words256(words: FieldElement.prime)) == nil)
  }

  @Test func calculatesWithNumbers() {
    #expect(number(1) == .one)
    #expect(number(1000) * number(4000) == number(4_000_000))
    #expect(number(7) - number(9) + number(2) == .zero)
    // 2^16 squared 4 times is 2^256 = 2^224 − 2^192 − 2^96 + 1.
    var power = number(1 << 16)
    power.square(times: 4)
    #expect(power.number == Words256(words: [1, 0, 0, .max, .max, .max, .max - 1, 0]))
  }

  @Test func masksAreAllOrNothing() {
    #expect(maskIfZero(0) == .max)
    for bit in 0..<32 { #expect(maskIfZero(1 << UInt32(bit)) == 0) }
    #expect(maskIfZero(.max) == 0)
    let (a, b) = (number(5), number(6))
    #expect(FieldElement.select(.max, a, b) == a)
    #expect(FieldElement.select(0, a, b) == b)
  }
}
