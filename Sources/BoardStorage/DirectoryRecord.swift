import Bytes
import Digests

/// One record of the directory: which objects there are from now on, as far as that changed. Records follow one
/// another in a page; a record counts if its checksum is right and its number follows the one before.
enum DirectoryRecord {
  static let headerLength = 16
  static let entryLength = 44
  /// The longest record: all roles, with all their metadata.
  static let maximumLength = headerLength + ObjectSlots.stored * (entryLength + StoredMetadata.capacity) + 4
  private static let checkpointFlag: UInt64 = 1

  struct Header {
    var sequence: UInt32
    var entryBytes: Int
    var entries: Int
    /// The state does not depend on records before.
    var isCheckpoint: Bool
    /// Numbers of objects from this one on were not given yet.
    var nextObject: UInt32
    /// Bit r: there is no object of role r any more.
    var emptied: UInt32

    var length: Int { headerLength + entryBytes + 4 }
  }

  /// Reads the header of a record; nil if it can be none.
  static func header(_ bytes: Span<UInt8>) -> Header? {
    var reader = ByteReader(bytes)
    guard let sequence = reader.readLittleEndian(width: 4),
      let entryBytes = reader.readLittleEndian(width: 2), entryBytes & 3 == 0,
      Int(entryBytes) <= maximumLength - headerLength - 4,
      let entries = reader.readByte(), entries <= ObjectSlots.stored,
      let flags = reader.readByte(), flags <= 1,
      let next = reader.readLittleEndian(width: 4), let emptied = reader.readLittleEndian(width: 4)
    else { return nil }
    return Header(
      sequence: UInt32(sequence), entryBytes: Int(entryBytes), entries: Int(entries),
      isCheckpoint: UInt64(flags) == checkpointFlag, nextObject: UInt32(next), emptied: UInt32(emptied))
  }

  /// Whether a whole record has the right checksum.
  static func isWhole(_ bytes: Span<UInt8>) -> Bool {
    guard bytes.count > headerLength + 4 - 1 else { return false }
    var reader = ByteReader(bytes.extracting(bytes.count - 4..<bytes.count))
    return reader.readLittleEndian(width: 4) == UInt64(CRC32C.of(bytes.extracting(0..<bytes.count - 4)))
  }

  /// Reads the entries of a whole record into `objects`, by slot.
  ///
  /// - Returns: false if they are none that this code writes.
  static func read(
    _ record: borrowing BoundedBytes, _ header: Header, into objects: inout [StoredEntry]
  ) -> Bool {
    let bytes = record.span
    if header.isCheckpoint {
      for slot in 0..<ObjectSlots.stored { objects[slot] = StoredEntry() }
    }
    for slot in 0..<ObjectSlots.stored where header.emptied & (1 << UInt32(slot + 1)) != 0 {
      objects[slot] = StoredEntry()
    }
    var reader = ByteReader(bytes.extracting(headerLength..<bytes.count - 4))
    for _ in 0..<header.entries {
      guard let role = reader.readByte(), role > 0, Int(role) <= ObjectSlots.stored,
        let kind = reader.readByte(), let count = reader.readByte(), Int(count) <= StoredMetadata.capacity,
        reader.readByte() == 0, let id = reader.readLittleEndian(width: 4), id != 0,
        let length = reader.readLittleEndian(width: 4), length <= 0x4000_0000,
        let digestBytes = reader.read(Digest32.count), let digest = Digest32(digestBytes),
        let metadata = reader.read((Int(count) + 3) & ~3)
      else { return false }
      objects[Int(role) - 1] = StoredEntry(
        id: UInt32(id), kind: kind, length: Int(length), digest: digest,
        metadata: StoredMetadata(metadata.extracting(0..<Int(count))))
    }
    return reader.remaining == 0
  }

  /// Appends a record with the objects of the slots in `changed`; those that are not there are noted as emptied.
  static func encode(
    _ objects: [StoredEntry], changed: UInt32, isCheckpoint: Bool, sequence: UInt32, nextObject: UInt32,
    into buffer: inout BoundedBytes
  ) {
    let start = buffer.count
    var entryBytes = 0
    var entries: UInt8 = 0
    var emptied: UInt32 = 0
    for slot in 0..<ObjectSlots.stored where changed & (1 << UInt32(slot)) != 0 {
      if objects[slot].isThere {
        entryBytes += entryLength + (objects[slot].metadata.count + 3) & ~3
        entries += 1
      } else {
        emptied |= 1 << UInt32(slot + 1)
      }
    }
    buffer.append(littleEndian: UInt64(sequence), width: 4)
    buffer.append(littleEndian: UInt64(entryBytes), width: 2)
    buffer.append(entries)
    buffer.append(isCheckpoint ? UInt8(checkpointFlag) : 0)
    buffer.append(littleEndian: UInt64(nextObject), width: 4)
    buffer.append(littleEndian: UInt64(isCheckpoint ? 0 : emptied), width: 4)
    for slot in 0..<ObjectSlots.stored
    where changed & (1 << UInt32(slot)) != 0 && objects[slot].isThere {
      let object = objects[slot]
      buffer.append(UInt8(slot + 1))
      buffer.append(object.kind)
      buffer.append(UInt8(object.metadata.count))
      buffer.append(0)
      buffer.append(littleEndian: UInt64(object.id), width: 4)
      buffer.append(littleEndian: UInt64(object.length), width: 4)
      buffer.append(contentsOf: object.digest.span)
      buffer.append(contentsOf: object.metadata.span)
      buffer.appendZeros((4 - object.metadata.count & 3) & 3)
    }
    let crc = CRC32C.of(buffer.span.extracting(start..<buffer.count))
    buffer.append(littleEndian: UInt64(crc), width: 4)
  }
}
