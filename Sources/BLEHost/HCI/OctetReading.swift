import Bytes

// What the parsers of this module read: every multi-octet field of HCI, L2CAP and ATT is little-endian.
extension Span<UInt8> {
  /// The two octets at `offset`; nil if they are not there.
  func littleEndian16(at offset: Int) -> UInt16? {
    guard offset >= 0, offset <= count - 2 else { return nil }
    return UInt16(self[offset]) | UInt16(self[offset + 1]) << 8
  }

  /// Up to eight octets at `offset`; nil if they are not there.
  func littleEndian(at offset: Int, width: Int) -> UInt64? {
    guard offset >= 0, width >= 0, width <= 8, offset <= count - width else { return nil }
    var value: UInt64 = 0
    for i in 0..<width { value |= UInt64(self[offset + i]) << UInt64(8 * i) }
    return value
  }

  /// What comes after the first `offset` octets; empty if there are no more.
  @_lifetime(copy self)
  func dropping(_ offset: Int) -> Span<UInt8> {
    extracting(Swift.min(offset, count)..<count)
  }

  /// Whether both hold the same octets.
  func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for i in 0..<count where self[i] != other[i] { return false }
    return true
  }
}
