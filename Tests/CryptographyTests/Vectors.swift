import Bytes
import Foundation
import PropertyTesting

@testable import Cryptography

/// Protocols/vectors/cryptography.json.
struct Vectors: Decodable {
  struct Code: Decodable {
    var key: String
    var text: String
    var code: String
  }
  struct Chain: Decodable {
    var key: String
    var text: String
    var count: Int
    var code: String
  }
  struct KeyPair: Decodable {
    var `private`: String
    var x: String
    var y: String
  }
  struct SharedSecret: Decodable {
    var `private`: String
    var x: String
    var y: String
    var secret: String
  }
  struct NoPoint: Decodable {
    var why: String
    var x: String
    var y: String
  }
  struct Draws: Decodable {
    var seed: String
    var reseed: String
    var drawn: [String]
  }

  var aes: [Code]
  var aesChain: Chain
  var cmac: [Code]
  var keyPairs: [KeyPair]
  var sharedSecrets: [SharedSecret]
  var noPoints: [NoPoint]
  var noPrivateKeys: [String]
  var randomBits: [Draws]

  static func load() throws -> Vectors {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = root.appending(path: "Protocols/vectors/cryptography.json")
    return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
  }
}

/// Bytes of hexadecimal digits, which must be pairs.
func unhex(_ hex: String) -> [UInt8] {
  let digits = Array(hex.utf8)
  return stride(from: 0, to: digits.count, by: 2).map { i in
    UInt8(String(decoding: digits[i..<i + 2], as: UTF8.self), radix: 16)!
  }
}

extension Block128 {
  init(hex: String) {
    self.init(bigEndian: unhex(hex).span)!
  }

  var bytes: [UInt8] { (0..<Self.byteCount).map { self[byte: $0] } }
}

extension Words256 {
  init(hex: String) {
    self.init(bigEndian: unhex(hex).span)!
  }

  /// Most significant byte first.
  var bytes: [UInt8] { (0..<Self.byteCount).map { self[byte: 31 - $0] } }
}

extension P256.PublicKey {
  init?(hexX x: String, y: String) {
    self.init(x: Words256(hex: x), y: Words256(hex: y))
  }
}

extension P256.PrivateKey {
  init(hex: String) {
    self.init(Words256(hex: hex))!
  }

  func times(_ base: P256.PublicKey) -> P256.PublicKey {
    var multiplication = P256.Multiplication(of: base, by: self)
    while multiplication.advance() {}
    return multiplication.product!
  }
}

extension SeededGenerator {
  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  /// 256 bits, now and then with long runs of zeros or ones, where carries go far.
  mutating func words() -> Words256 {
    var words = InlineArray<8, UInt32>(repeating: 0)
    for i in 0..<8 {
      let drawn = UInt32(truncatingIfNeeded: next())
      switch next() % 4 {
      case 0: words[i] = 0
      case 1: words[i] = .max
      case 2: words[i] = drawn % 3
      default: words[i] = drawn
      }
    }
    return Words256(words: words)
  }
}
