import Bytes
import Foundation

/// Protocols/vectors, made by the scripts in Tests/Reference; codes.json by ``EncoderVectorTests``.
enum Vectors {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func file(_ name: String) -> URL { root.appending(path: "Protocols/vectors/\(name).json") }

  static func list(_ section: String, in name: String = "objects") throws -> [[String: Any]] {
    let all = try JSONSerialization.jsonObject(with: Data(contentsOf: file(name))) as! [String: Any]
    return all[section] as! [[String: Any]]
  }
}

extension [String: Any] {
  func text(_ key: String) -> String { self[key] as! String }
  func bytes(_ key: String) -> [UInt8] { unhex(text(key)) }
  func integer<T: FixedWidthInteger>(_ key: String) -> T { T(self[key] as! Int) }

  /// Floats stated by their bits, so that NaN and −0 can be told apart.
  func bits(_ key: String) -> [UInt32] { (self[key] as! [String]).map { UInt32($0, radix: 16)! } }
  func float(_ key: String) -> Float { Float(bitPattern: UInt32(text(key), radix: 16)!) }
}

/// Differences as the bytes of little-endian float32.
func floats(_ bytes: [UInt8]) -> [Float] {
  stride(from: 0, to: bytes.count, by: 4).map { at in
    Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) })
  }
}

func bytes(_ floats: [Float]) -> [UInt8] {
  floats.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) } }
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

/// What `write` appends to a buffer that is large enough.
func written(_ write: (inout BoundedBytes) -> Void) -> [UInt8] {
  var buffer = BoundedBytes(capacity: 4096)
  write(&buffer)
  precondition(!buffer.overflowed)
  return (0..<buffer.count).map { buffer.span[$0] }
}
