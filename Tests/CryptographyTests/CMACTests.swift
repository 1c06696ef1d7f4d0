import PropertyTesting
import Testing

@testable import Cryptography

@Suite struct CMACTests {
  @Test func authenticatesThePublishedExamplesAndAllLengthsLikeOpenSSL() throws {
    for vector in try Vectors.load().cmac {
      var code = CMAC(key: Block128(hex: vector.key))
      code.update(unhex(vector.text).span)
      #expect(code.finalize() == Block128(hex: vector.code), "\(vector.text.count / 2) bytes")
    }
  }

  @Test func doesNotCareHowTheBytesArrive() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for vector in try Vectors.load().cmac {
      let text = unhex(vector.text)
      // The second code by the same value: it must have started anew.
      var code = CMAC(key: Block128(hex: vector.key))
      for _ in 0..<2 {
        var rest = text[...]
        while !rest.isEmpty {
          let part = Array(rest.prefix(Int.random(in: 0...rest.count, using: &random)))
          rest = rest.dropFirst(part.count)
          if part.count == 16, random.chance(0.8) {
            code.update(Block128(bigEndian: part.span)!)
          } else if part.count == 32 {
            code.update(Words256(bigEndian: part.span)!)
          } else {
            code.update(part.span)
          }
        }
        #expect(code.finalize() == Block128(hex: vector.code), "seed \(seed)")
      }
    }
  }

  // Vol 3 Part H §2.2.7 to §2.2.11 build on it; of these we need none, so they stand here as further examples.
  @Test func givesTheFunctionsOfBluetoothThatArePlainCodes() {
    // h6, Core specification Vol 3 Part H appendix D.6.
    var h6 = CMAC(key: Block128(hex: "ec0234a357c8ad05341010a60a397d9b"))
    h6.update(unhex("6c656272").span)
    #expect(h6.finalize() == Block128(hex: "2d9ae102e76dc91ce8d3a9e280b16399"))
    // h7, appendix D.8.
    var h7 = CMAC(key: Block128(hex: "000000000000000000000000746d7031"))
    h7.update(unhex("ec0234a357c8ad05341010a60a397d9b").span)
    #expect(h7.finalize() == Block128(hex: "fb173597c6a3c0ecd2998c2a75a57011"))
    // g2, appendix D.5: the last 32 bits.
    var g2 = CMAC(key: Block128(hex: "d5cb8454d177733effffb2ec712baeab"))
    g2.update(Words256(hex: "20b003d2f297be2c5e2c83a7e9f9a5b9eff49111acf4fddbcc0301480e359de6"))
    g2.update(Words256(hex: "55188b3d32f6bb9a900afcfbeed4e72a59cb9ac2f19d7cfb6b4fdd49f47fc5fd"))
    g2.update(Block128(hex: "a6e8e7cc25a75f6e216583f7ff3dc4cf"))
    #expect(g2.finalize().words[3] == 0x2f9e_d5ba)
  }
}
