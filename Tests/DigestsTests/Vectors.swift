import Foundation
import PropertyTesting

/// Protocols/vectors/digests.json.
struct Vectors: Decodable {
  struct Message: Decodable {
    var message: String
    var digest: String
  }
  struct MonteCarlo: Decodable {
    struct Checkpoint: Decodable {
      var count: Int
      var digest: String
    }
    var seed: String
    var checkpoints: [Checkpoint]
  }
  struct Checksum: Decodable {
    var message: String
    var value: UInt32
  }

  var sha256: [Message]
  var sha256MillionA: String
  var sha256MonteCarlo: MonteCarlo
  var crc32c: [Checksum]

  static func load() throws -> Vectors {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = root.appending(path: "Protocols/vectors/digests.json")
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

extension SeededGenerator {
  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  /// Where to cut `count` bytes into pieces, some of them empty: ascending from 0 to `count`.
  mutating func cuts(of count: Int) -> [Int] {
    [0] + (0..<Int(next() % 6)).map { _ in Int.random(in: 0...count, using: &self) }.sorted() + [count]
  }
}
