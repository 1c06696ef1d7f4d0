// What the parsers of this module read: every multi-octet field is little-endian on the air and in HCI.
extension Span<UInt8> {
  /// The octet at `offset`; 0 if it is not there. Callers have looked at the length before.
  func octet(_ offset: Int) -> UInt8 { offset >= 0 && offset < count ? self[offset] : 0 }

  /// The two octets at `offset`, those that are not there being 0.
  func word(_ offset: Int) -> UInt16 { UInt16(octet(offset)) | UInt16(octet(offset + 1)) << 8 }

  /// Up to eight octets at `offset`, those that are not there being 0.
  func number(_ offset: Int, width: Int) -> UInt64 {
    var value: UInt64 = 0
    for i in 0..<Swift.min(width, 8) { value |= UInt64(octet(offset + i)) << UInt64(8 * i) }
    return value
  }
}
