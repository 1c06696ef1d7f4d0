import Bytes

// What the headers of updates and deltas are made of.

/// LEB128 (the variable-length integers of DWARF and WebAssembly): seven bits a byte, the lowest first, the
/// top bit set in all but the last.
enum Varint {
  /// The most bytes of a u32.
  static let maximumLength = 5

  /// How many bytes `value` takes.
  static func length(_ value: UInt32) -> Int {
    var count = 1
    var rest = value >> 7
    while rest != 0 {
      count += 1
      rest >>= 7
    }
    return count
  }

  /// Appends `value` in as few bytes as it takes.
  static func append(_ value: UInt32, to buffer: inout BoundedBytes) {
    var rest = value
    while rest >= 0x80 {
      buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    buffer.append(UInt8(truncatingIfNeeded: rest))
  }

  /// Reads one; nil if it is cut short, exceeds a u32 or has more bytes than it takes.
  static func read(_ reader: inout ByteReader) -> UInt32? {
    var value: UInt32 = 0
    var shift: UInt32 = 0
    while let byte = reader.readByte() {
      let bits = UInt32(byte & 0x7f)
      if shift == 28 && bits > 0x0f { return nil }
      value |= bits << shift
      if byte & 0x80 == 0 { return byte == 0 && shift > 0 ? nil : value }
      shift += 7
      if shift > 28 { return nil }
    }
    return nil
  }
}

/// The first bytes of updates and deltas: magic, format version, coding and its parameter.
enum HeaderStart {
  /// The version of the format that this code reads and writes.
  static let formatVersion: UInt8 = 1
  /// The most parameters that a header can state.
  static let maximumParameterCount: UInt32 = 0x0100_0000
  /// The most bytes of it.
  static let maximumLength = 3 + 3

  private static let magic: UInt8 = 0xfb

  static func length(_ coding: UpdateCoding) -> Int {
    3 + (UpdateCoding.hasParameter(coding.code) ? Varint.length(UInt32(coding.parameter)) : 0)
  }

  static func append(_ kind: UInt8, _ coding: UpdateCoding, to buffer: inout BoundedBytes) {
    buffer.append(magic)
    buffer.append(kind)
    buffer.append(formatVersion << 4 | coding.code)
    if UpdateCoding.hasParameter(coding.code) { Varint.append(UInt32(coding.parameter), to: &buffer) }
  }

  static func read(_ kind: UInt8, _ reader: inout ByteReader) throws(UpdateError) -> UpdateCoding {
    guard let first = reader.readByte(), first == magic, let second = reader.readByte(), second == kind,
      let third = reader.readByte()
    else { throw .malformed }
    guard third >> 4 == formatVersion else { throw .unsupportedVersion(third >> 4) }
    let code = third & 0x0f
    guard code <= 3 else { throw .unsupportedCoding(code) }
    var parameter: UInt16 = 0
    if UpdateCoding.hasParameter(code) {
      guard let value = Varint.read(&reader), let small = UInt16(exactly: value) else { throw .malformed }
      parameter = small
    }
    guard let coding = UpdateCoding(code: code, parameter: parameter) else { throw .malformed }
    return coding
  }

  static func readParameterCount(_ reader: inout ByteReader) -> UInt32? {
    guard let count = Varint.read(&reader), count <= maximumParameterCount else { return nil }
    return count
  }

  static func readTag(_ reader: inout ByteReader) -> DigestTag? {
    reader.readLittleEndian(width: DigestTag.count).map(DigestTag.init(rawValue:))
  }
}
