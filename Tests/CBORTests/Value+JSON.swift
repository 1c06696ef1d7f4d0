import Foundation

/// The repository's root.
let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// The notation of Protocols/vectors/cbor.json and Tests/Reference/cbor_reference.py.
extension Value {
  init(notation: Any) {
    let parts = notation as! [Any]
    switch parts[0] as! String {
    case "integer": self = .integer(Int128(parts[1] as! String)!)
    case "float": self = .float(UInt32(parts[1] as! String, radix: 16)!)
    case "bool": self = .bool(parts[1] as! Bool)
    case "null": self = .null
    case "bytes": self = .bytes(unhex(parts[1] as! String))
    case "text": self = .text(unhex(parts[1] as! String))
    case "array": self = .array((parts[1] as! [Any]).map(Value.init(notation:)))
    case "map":
      self = .map(
        (parts[1] as! [[Any]]).map { Pair(key: Value(notation: $0[0]), value: Value(notation: $0[1])) })
    case let kind: preconditionFailure("no such kind of value: \(kind)")
    }
  }

  var notation: [Any] {
    switch self {
    case .integer(let number): ["integer", String(number)]
    case .float(let bits):
      [
        "float",
        String(repeating: "0", count: bits.leadingZeroBitCount / 4)
          + (bits == 0 ? "" : String(bits, radix: 16)),
      ]
    case .bool(let truth): ["bool", truth]
    case .null: ["null"]
    case .bytes(let content): ["bytes", hex(content)]
    case .text(let content): ["text", hex(content)]
    case .array(let elements): ["array", elements.map(\.notation)]
    case .map(let pairs): ["map", pairs.map { [$0.key.notation, $0.value.notation] }]
    }
  }
}
