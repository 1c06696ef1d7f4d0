/// A file in Intel HEX (Intel, Hexadecimal Object File Format Specification, 1988), as linkers write it: all six kinds of
/// records, in any order. Bytes that no record mentions are those of erased flash.
struct IntelHex {
  /// What every record begins with.
  static let startOfRecord = UInt8(ascii: ":")
  private static let erased: UInt8 = 0xff

  /// The lowest address that a record mentions.
  let start: UInt32
  /// The bytes from there to the highest one.
  let bytes: [UInt8]

  /// A record, its checksum proven.
  private struct Record {
    var address: UInt16
    var kind: UInt8
    var data: ArraySlice<UInt8>
  }

  /// Reads a file.
  ///
  /// - Parameter limit: the end of the memory; no byte may lie at or behind it.
  init(text: [UInt8], limit: UInt32) throws(FirmwareImageError) {
    var pieces: [(line: Int, address: UInt64, data: ArraySlice<UInt8>)] = []
    var base: UInt64 = 0
    var isComplete = false
    var number = 0
    for line in text.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) {
      number += 1
      guard !isComplete else { throw .hexRecord(line: number, what: "something behind the last record") }
      let record = try Self.record(line, number)
      switch record.kind {
      case 0:
        let address = base + UInt64(record.address)
        guard address + UInt64(record.data.count) <= UInt64(limit) else {
          throw .hexOutside(address: address)
        }
        if !record.data.isEmpty { pieces.append((number, address, record.data)) }
      case 1 where record.data.isEmpty: isComplete = true
      case 2 where record.data.count == 2: base = Self.number(record.data) << 4
      case 4 where record.data.count == 2: base = Self.number(record.data) << 16
      // Where the program begins to run: the vector table says that.
      case 3 where record.data.count == 4, 5 where record.data.count == 4: break
      default: throw .hexRecord(line: number, what: "a record of another kind or length")
      }
    }
    guard isComplete else { throw .hexRecord(line: number + 1, what: "no last record: the file is cut off") }
    guard let lowest = pieces.map(\.address).min() else { throw .empty }
    start = UInt32(lowest)
    bytes = try Self.joined(pieces, from: lowest)
  }

  /// The content of records, in one piece.
  private static func joined(
    _ pieces: [(line: Int, address: UInt64, data: ArraySlice<UInt8>)], from lowest: UInt64
  ) throws(FirmwareImageError) -> [UInt8] {
    let end = pieces.map { $0.address + UInt64($0.data.count) }.max() ?? lowest
    var content = [UInt8](repeating: erased, count: Int(end - lowest))
    var isKnown = [Bool](repeating: false, count: content.count)
    for piece in pieces {
      for (index, byte) in piece.data.enumerated() {
        let place = Int(piece.address - lowest) + index
        guard !isKnown[place] || content[place] == byte else {
          throw .hexRecord(line: piece.line, what: "another byte for an address that had one")
        }
        content[place] = byte
        isKnown[place] = true
      }
    }
    return content
  }

  private static func record(
    _ line: ArraySlice<UInt8>, _ number: Int
  ) throws(FirmwareImageError) -> Record {
    guard line.first == startOfRecord else { throw .hexRecord(line: number, what: "no colon") }
    var digits = line.dropFirst()
    while let last = digits.last, last == 0x20 || last == 0x09 { digits.removeLast() }
    // The longest record has 255 bytes of data.
    guard digits.count % 2 == 0, (10...520).contains(digits.count) else {
      throw .hexRecord(line: number, what: "an odd or impossible number of digits")
    }
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in digits {
      guard let value = value(of: digit) else {
        throw .hexRecord(line: number, what: "a character that is no hexadecimal digit")
      }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    guard bytes.count == 5 + Int(bytes[0]) else {
      throw .hexRecord(line: number, what: "more or fewer bytes than it says")
    }
    guard bytes.reduce(0, &+) == 0 else { throw .hexRecord(line: number, what: "a wrong checksum") }
    return Record(
      address: UInt16(bytes[1]) << 8 | UInt16(bytes[2]), kind: bytes[3], data: bytes[4..<bytes.count - 1])
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x41 + 10
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
