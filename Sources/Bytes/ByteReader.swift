/// A cursor over borrowed bytes whose every read is checked: past the end it answers nil and stays put.
public struct ByteReader: ~Escapable {
  private let bytes: Span<UInt8>

  /// Offset of the next byte to be read.
  public private(set) var offset = 0

  /// Starts at the first of `bytes`.
  @_lifetime(copy bytes)
  public init(_ bytes: Span<UInt8>) {
    self.bytes = bytes
  }

  /// How many bytes are left.
  public var remaining: Int { bytes.count - offset }

  /// The next byte without consuming it.
  public func peek() -> UInt8? {
    offset < bytes.count ? bytes[offset] : nil
  }

  /// Consumes one byte.
  @_lifetime(self: copy self)
  public mutating func readByte() -> UInt8? {
    guard offset < bytes.count else { return nil }
    let byte = bytes[offset]
    offset += 1
    return byte
  }

  /// Consumes `count` bytes; nil (and nothing consumed) if there are fewer or `count` is negative.
  @_lifetime(copy self)
  public mutating func read(_ count: Int) -> Span<UInt8>? {
    guard count >= 0, count <= remaining else { return nil }
    let part = bytes.extracting(offset..<offset + count)
    offset += count
    return part
  }

  /// Consumes an unsigned integer of `width` bytes (1…8), least significant first.
  @_lifetime(self: copy self)
  public mutating func readLittleEndian(width: Int) -> UInt64? {
    guard width <= remaining else { return nil }
    var value: UInt64 = 0
    for i in 0..<width {
      value |= UInt64(bytes[offset + i]) << UInt64(8 * i)
    }
    offset += width
    return value
  }
}
