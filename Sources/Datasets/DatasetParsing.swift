import Bytes
import Digests

extension Dataset {
  /// Reads a file in the format of Protocols/dataset-format.md.
  ///
  /// Total: whatever the bytes are, it ends with a data set or an error, and takes memory in proportion to
  /// their number.
  ///
  /// - Throws: ``DatasetError`` with code `notADataset`, `unsupportedVersion` or `damaged`.
  public init(parsing bytes: [UInt8]) throws(DatasetError) {
    var fields = FieldReader(bytes.span)
    guard bytes.count >= 4, Array(bytes[..<4]) == Self.magic else {
      throw DatasetError(
        .notADataset, "it does not begin with FBDS, so it is no data set",
        remedy: "name a .fbds file, for instance one that Scripts/prepare-datasets makes")
    }
    _ = try fields.bytes(4, of: "magic")
    let version = Int(try fields.integer(2, of: "version"))
    guard version == Self.formatVersion else {
      throw DatasetError(
        .unsupportedVersion,
        "it is of version \(version) of the format, this program reads \(Self.formatVersion)",
        remedy: version > Self.formatVersion ? "update FedBridge" : "make the file anew")
    }
    let flags = try fields.integer(2, of: "flags")
    let width = Int(try fields.integer(2, of: "number of features"))
    let classes = Int(try fields.integer(2, of: "number of classes"))
    let count = Int(try fields.integer(4, of: "number of examples"))
    let format = try fields.integer(1, of: "input format")
    let zeroPoint = Int8(truncatingIfNeeded: try fields.integer(1, of: "zero point"))
    let reserved = try fields.integer(2, of: "reserved field")
    let scale = try fields.float(of: "scale")
    guard flags & ~1 == 0, reserved == 0, format <= 1, format == 1 || (zeroPoint == 0 && scale == 1) else {
      throw .damaged("its header has values that version \(version) does not define")
    }

    let name = try fields.text(of: "name")
    // As many as the bytes allow: each turn consumes some or throws, so a large number does no harm.
    var classNames: [String] = []
    for _ in 0..<classes { classNames.append(try fields.text(of: "class names")) }
    var columns: [Column] = []
    if flags & 1 != 0 {
      for _ in 0..<width {
        columns.append(
          Column(
            name: try fields.text(of: "columns"), mean: try fields.float(of: "columns"),
            deviation: try fields.float(of: "columns")))
      }
    }

    let labels = try fields.bytes(count, of: "labels")
    let groups = try fields.bytes(2 * count, of: "groups")
    let splits = try fields.bytes(count, of: "splits")
    let features = try fields.bytes(count * width * (format == 1 ? 1 : 4), of: "features")
    let checksum = UInt32(try fields.integer(4, of: "checksum"))
    guard fields.remaining == 0 else {
      throw .damaged("\(fields.remaining) bytes follow its end")
    }
    guard checksum == CRC32C.of(bytes.span.extracting(0..<bytes.count - 4)) else {
      throw .damaged("its checksum is wrong, so some of its \(bytes.count) bytes were changed")
    }

    var splitOfExample: [Split] = []
    splitOfExample.reserveCapacity(count)
    for (i, value) in splits.enumerated() {
      guard let split = Split(rawValue: value) else { throw .damaged("example \(i) is of split \(value)") }
      splitOfExample.append(split)
    }
    self.init(
      unchecked: name, classNames: classNames, featureWidth: width, columns: columns, labels: labels,
      groups: (0..<count).map { UInt16(groups[2 * $0]) | UInt16(groups[2 * $0 + 1]) << 8 },
      splits: splitOfExample,
      features: format == 1
        ? .int8(features.map { Int8(bitPattern: $0) }, scale: scale, zeroPoint: zeroPoint)
        : .float32(
          (0..<count * width).map { value in
            var bits: UInt32 = 0
            for byte in 0..<4 { bits |= UInt32(features[4 * value + byte]) << UInt32(8 * byte) }
            return Float(bitPattern: bits)
          }))
    if let contradiction { throw .damaged(contradiction) }
  }
}

/// Reads fields one after the other and says which one the file ends in.
private struct FieldReader: ~Escapable {
  private var reader: ByteReader

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) {
    reader = ByteReader(bytes)
  }

  var remaining: Int { reader.remaining }

  @_lifetime(self: copy self)
  mutating func bytes(_ count: Int, of field: String) throws(DatasetError) -> [UInt8] {
    let offset = reader.offset
    guard let part = reader.read(count) else {
      throw .damaged(
        "it is cut off in its \(field): they need \(count) bytes from offset \(offset), \(remaining) are left"
      )
    }
    var copy: [UInt8] = []
    copy.reserveCapacity(count)
    for i in 0..<part.count { copy.append(part[i]) }
    return copy
  }

  @_lifetime(self: copy self)
  mutating func integer(_ width: Int, of field: String) throws(DatasetError) -> UInt64 {
    guard let value = reader.readLittleEndian(width: width) else {
      throw .damaged("it is cut off in its \(field), at offset \(reader.offset)")
    }
    return value
  }

  @_lifetime(self: copy self)
  mutating func float(of field: String) throws(DatasetError) -> Float {
    Float(bitPattern: UInt32(truncatingIfNeeded: try integer(4, of: field)))
  }

  @_lifetime(self: copy self)
  mutating func text(of field: String) throws(DatasetError) -> String {
    let length = Int(try integer(1, of: field))
    let utf8 = try bytes(length, of: field)
    guard let text = String(validating: utf8, as: UTF8.self) else {
      throw .damaged("its \(field) are not UTF-8")
    }
    return text
  }
}
