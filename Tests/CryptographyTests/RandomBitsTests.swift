import Testing

@testable import Cryptography

@Suite struct RandomBitsTests {
  @Test func drawsWhatTheStandardSays() throws {
    for vector in try Vectors.load().randomBits {
      var random = RandomBits(seed: Words256(hex: vector.seed))
      #expect(random.block().bytes == unhex(vector.drawn[0]))
      #expect(random.words().bytes == unhex(vector.drawn[1]))
      #expect(random.block().bytes == unhex(vector.drawn[2]))
      random.reseed(Words256(hex: vector.reseed))
      #expect(random.words().bytes == unhex(vector.drawn[3]))
      #expect(random.block().bytes == unhex(vector.drawn[4]))
    }
  }

  @Test func makesPrivateKeys() {
    var random = RandomBits(seed: .zero)
    var keys = 0
    for _ in 0..<1000 where P256.PrivateKey(random.words()) != nil { keys += 1 }
    // One in 2^32 is refused.
    #expect(keys >= 999)
  }
}
