import Bytes
import Foundation
import Testing

/// Protocols/vectors, made by Tests/Reference/protocol_reference.py: what any implementation reads and writes.
enum Vectors {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// One list of a file of vectors.
  static func list(_ section: String, of file: String) throws -> [[String: Any]] {
    let url = root.appending(path: "Protocols/vectors/\(file).json")
    let all = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as! [String: Any]
    return all[section] as! [[String: Any]]
  }
}

extension [String: Any] {
  func text(_ key: String) -> String { self[key] as! String }
  func bytes(_ key: String) -> [UInt8] { unhex(text(key)) }
  func integer<T: FixedWidthInteger>(_ key: String) -> T { T(self[key] as! Int) }
  func comment(_ key: String = "why") -> String { self[key] as? String ?? "\(self)" }
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

/// A copy of a span, for `#expect` takes no spans apart.
func copied(_ span: Span<UInt8>) -> [UInt8] {
  (0..<span.count).map { span[$0] }
}

/// What `write` appends to a buffer that is large enough.
func written(_ write: (inout BoundedBytes) -> Void) -> [UInt8] {
  var buffer = BoundedBytes(capacity: 4096)
  write(&buffer)
  precondition(!buffer.overflowed)
  return copied(buffer.span)
}

/// `#expect` for a call that changes what it is called on, which the macro cannot take apart.
func check(
  _ holds: Bool, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(holds, comment, sourceLocation: sourceLocation)
}

/// Likewise, for the value that such a call answers.
func check<Value: Equatable>(
  _ value: Value, equals expected: Value, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(value == expected, comment, sourceLocation: sourceLocation)
}
