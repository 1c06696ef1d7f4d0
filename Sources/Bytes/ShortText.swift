/// Up to 64 bytes of UTF-8 held in place: names and reasons in messages, without a heap and without the
/// Unicode tables that `String` would pull into a firmware image.
///
/// Made from bytes that may come from a stranger, so control characters are replaced by `?`: a log line
/// built from it stays one line.
public struct ShortText: Sendable, Equatable {
  /// The most bytes one can hold.
  public static let capacity = 64

  private var storage: InlineArray<64, UInt8>
  private var length: UInt8

  /// The empty text.
  public init() {
    storage = .init(repeating: 0)
    length = 0
  }

  /// Takes the first 64 bytes of `bytes`, control characters replaced by `?`.
  public init(_ bytes: Span<UInt8>) {
    self.init()
    for i in 0..<min(bytes.count, Self.capacity) { append(bytes[i]) }
  }

  /// Takes the first 64 bytes of a literal.
  public init(_ text: StaticString) {
    self.init()
    text.withUTF8Buffer { bytes in
      for byte in bytes.prefix(Self.capacity) { append(byte) }
    }
  }

  private mutating func append(_ byte: UInt8) {
    storage[Int(length)] = byte < 0x20 || byte == 0x7f ? 0x3f : byte
    length += 1
  }

  /// Number of bytes held, 0…64.
  public var count: Int { Int(length) }

  /// Whether it holds nothing.
  public var isEmpty: Bool { length == 0 }

  /// The bytes held.
  public var span: Span<UInt8> {
    @_lifetime(borrow self) get { storage.span.extracting(0..<Int(length)) }
  }

  /// Whether both hold the same bytes.
  public static func == (a: Self, b: Self) -> Bool {
    guard a.length == b.length else { return false }
    for i in 0..<Int(a.length) where a.storage[i] != b.storage[i] { return false }
    return true
  }
}
