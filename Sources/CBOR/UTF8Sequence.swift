/// The length (1…4) of the UTF-8 sequence that starts at `index`, or nil if what stands there is none.
///
/// The grammar of RFC 3629 §4: no overlong forms, no surrogates, nothing above U+10FFFF. Written out because
/// the standard library's way brings the Unicode tables into a firmware image.
func lengthOfUTF8Sequence(in bytes: Span<UInt8>, at index: Int) -> Int? {
  let length: Int
  var second: ClosedRange<UInt8> = 0x80...0xbf
  switch bytes[index] {
  case 0x00...0x7f: return 1
  case 0xc2...0xdf: length = 2
  case 0xe0:
    length = 3
    second = 0xa0...0xbf
  case 0xed:
    length = 3
    second = 0x80...0x9f
  case 0xe1...0xef: length = 3
  case 0xf0:
    length = 4
    second = 0x90...0xbf
  case 0xf1...0xf3: length = 4
  case 0xf4:
    length = 4
    second = 0x80...0x8f
  default: return nil
  }
  guard bytes.count - index >= length, second.contains(bytes[index + 1]) else { return nil }
  for i in index + 2..<index + length where bytes[i] & 0xc0 != 0x80 { return nil }
  return length
}

/// Whether all of `bytes` is UTF-8.
func isUTF8(_ bytes: Span<UInt8>) -> Bool {
  var at = 0
  while at < bytes.count {
    guard let length = lengthOfUTF8Sequence(in: bytes, at: at) else { return false }
    at += length
  }
  return true
}
