import Digests

extension Dataset {
  static let magic: [UInt8] = Array("FBDS".utf8)
  static let formatVersion = 1

  /// The bytes of a file in the format of Protocols/dataset-format.md; parsing them gives an equal value.
  public func encode() -> [UInt8] {
    var out = Self.magic
    func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { out += $0 }
    }
    func append(_ text: String) {
      append(UInt8(text.utf8.count))
      out += text.utf8
    }
    append(UInt16(Self.formatVersion))
    append(UInt16(columns.isEmpty ? 0 : 1))
    append(UInt16(featureWidth))
    append(UInt16(classNames.count))
    append(UInt32(count))
    switch features {
    case .float32:
      append(UInt32(0))
      append(Float(1).bitPattern)
    case .int8(_, let scale, let zeroPoint):
      append(UInt8(1))
      append(zeroPoint)
      append(UInt16(0))
      append(scale.bitPattern)
    }
    append(name)
    for className in classNames { append(className) }
    for column in columns {
      append(column.name)
      append(column.mean.bitPattern)
      append(column.deviation.bitPattern)
    }
    out += labels
    for group in groups { append(group) }
    out += splits.lazy.map(\.rawValue)
    switch features {
    case .float32(let values): for value in values { append(value.bitPattern) }
    case .int8(let values, _, _): out += values.lazy.map { UInt8(bitPattern: $0) }
    }
    append(CRC32C.of(out.span))
    return out
  }
}
