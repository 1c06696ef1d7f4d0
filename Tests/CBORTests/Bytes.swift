/// A copy of a span, for `#expect` takes no spans apart.
func copied(_ span: Span<UInt8>) -> [UInt8] {
  (0..<span.count).map { span[$0] }
}

/// Bytes of hexadecimal digits, which must be pairs.
func unhex(_ hex: String) -> [UInt8] {
  let digits = Array(hex.utf8)
  return stride(from: 0, to: digits.count, by: 2).map { i in
    UInt8(String(decoding: digits[i..<i + 2], as: UTF8.self), radix: 16)!
  }
}

/// Lower-case hexadecimal digits of bytes.
func hex(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
