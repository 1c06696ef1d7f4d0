import Bytes
import Foundation

/// Protocols/vectors/objects.json, made by Tests/Reference/protocol_reference.py.
enum Vectors {
  static func list(_ section: String) throws -> [[String: Any]] {
    let root = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let url = root.appending(path: "Protocols/vectors/objects.json")
    let all = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as! [String: Any]
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

/// The generator of Steele, Lea and Flood (OOPSLA 2014), so that a printed seed repeats a test.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
