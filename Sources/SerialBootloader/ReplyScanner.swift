/// Finds replies in what the bootloader says. Two of its replies have stray bytes after them, and a line may hold what an
/// earlier program said: whatever stands before a reply is passed over.
struct ReplyScanner {
  /// What is waited for.
  enum Expected: Equatable {
    /// The answer to hello: an empty line.
    case emptyLine
    /// A line of text.
    case text
    /// `Y`.
    case acknowledgement
    /// `Z`, eight digits and `#`.
    case checksum
  }

  /// What came.
  enum Reply: Equatable {
    case done
    case text(String)
    case checksum(UInt32)
  }

  /// More than any reply has.
  private static let limit = 256
  private static let lineEnd = Array("\n\r".utf8)

  private var heard: [UInt8] = []

  /// Forgets what came.
  mutating func clear() { heard = [] }

  /// Takes more. Of what is no reply only the end is kept.
  mutating func append(_ bytes: some Collection<UInt8>) {
    heard += bytes.suffix(Self.limit)
    heard.removeFirst(max(0, heard.count - Self.limit))
  }

  /// The reply, if it has come; with it goes all that came before.
  mutating func take(_ expected: Expected) -> Reply? {
    while let end = heard.indices.first(where: { heard[$0...].starts(with: Self.lineEnd) }) {
      let line = heard[..<end]
      defer { heard.removeFirst(end + Self.lineEnd.count) }
      switch expected {
      case .emptyLine: return .done
      case .text:
        let printable = line.reversed().prefix { (0x20...0x7e).contains($0) }.reversed()
        if !printable.isEmpty { return .text(String(decoding: printable, as: UTF8.self)) }
      case .acknowledgement:
        if line.last == UInt8(ascii: "Y") { return .done }
      case .checksum:
        if let number = Self.checksum(line) { return .checksum(number) }
      }
    }
    return nil
  }

  private static func checksum(_ line: ArraySlice<UInt8>) -> UInt32? {
    let reply = line.suffix(10)
    guard reply.count == 10, reply.first == UInt8(ascii: "Z"), reply.last == UInt8(ascii: "#") else {
      return nil
    }
    let digits = reply.dropFirst().dropLast()
    // A sign is no digit, though the initialiser takes one.
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
