/// The SHA-256 by which an object (a model snapshot, an update) is known.
public struct ContentHash: Hashable, Sendable {
  // Four words instead of an array: no allocation, and `Hashable` comes for free.
  private let word0, word1, word2, word3: UInt64

  /// Number of bytes of a hash.
  public static let byteCount = 32

  /// Makes a hash from its bytes.
  ///
  /// - Parameter bytes: exactly 32 bytes in the order SHA-256 gives them; nil for any other number.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    var words: [UInt64] = [0, 0, 0, 0]
    for (index, byte) in bytes.enumerated() {
      words[index / 8] = words[index / 8] << 8 | UInt64(byte)
    }
    word0 = words[0]
    word1 = words[1]
    word2 = words[2]
    word3 = words[3]
  }

  /// The 32 bytes of the hash.
  public var bytes: [UInt8] {
    [word0, word1, word2, word3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
    }
  }
}

extension ContentHash: LosslessStringConvertible {
  /// Sixty-four lower-case hexadecimal digits.
  public var description: String {
    String(decoding: bytes.flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The first eight digits, enough for a log line.
  public var short: String { String(description.prefix(8)) }

  /// Reads what ``description`` writes (upper case is understood as well); nil for anything else.
  public init?(_ description: String) {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in description {
      guard character.isASCII, let digit = character.hexDigitValue else { return nil }
      if let first = high {
        bytes.append(first << 4 | UInt8(digit))
        high = nil
      } else {
        high = UInt8(digit)
      }
      guard bytes.count <= Self.byteCount else { return nil }
    }
    guard high == nil else { return nil }
    self.init(bytes: bytes)
  }

  private static let digits = Array("0123456789abcdef".utf8)
}
