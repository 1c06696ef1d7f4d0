import Bytes
import Digests

/// How a region of flash is divided: pages, each with a header and blocks, each block with data and a check word.
/// `Protocols/flash-layout.md` draws it.
struct RegionLayout {
  /// Bytes at the beginning of a page that say what it is.
  static let headerLength = 32
  /// Bytes of an object in a block; whole words.
  static let blockData = 1012
  /// Bytes of a block with its check word.
  static let blockLength = blockData + 4
  /// Pages that one region may have: a page's state takes a few bytes of RAM.
  static let mostPages = 256
  /// Pages of the directory, and as many that are kept free so that it can always be written anew.
  static let directoryPages = 2

  let pageSize: Int
  let pageCount: Int
  let blocksPerPage: Int

  init(pageSize: Int, pageCount: Int) {
    self.pageSize = pageSize
    blocksPerPage = max(0, (pageSize - Self.headerLength) / Self.blockLength)
    // A page without a block, or a region without room for directory and data, holds nothing.
    let pages = min(pageCount, Self.mostPages)
    self.pageCount = blocksPerPage > 0 && pageSize & 3 == 0 && pages > 2 * Self.directoryPages ? pages : 0
  }

  var dataPerPage: Int { blocksPerPage * Self.blockData }

  /// The longest object that an empty region can hold.
  var capacity: Int { max(0, pageCount - 2 * Self.directoryPages) * dataPerPage }

  /// Pages that an object of this length takes.
  func pages(for length: Int) -> Int { dataPerPage > 0 ? (length + dataPerPage - 1) / dataPerPage : 0 }

  func blocks(for length: Int) -> Int { (length + Self.blockData - 1) / Self.blockData }

  func address(of page: Int) -> Int { page * pageSize }

  /// Where a block of a page begins.
  func address(of page: Int, block: Int) -> Int {
    page * pageSize + Self.headerLength + block * Self.blockLength
  }

  /// Where byte `offset` of an object is: in which of its pages, in which block of that, at which byte.
  func place(of offset: Int) -> (index: Int, block: Int, at: Int) {
    let block = offset / Self.blockData
    let index = block / blocksPerPage
    return (index, block - index * blocksPerPage, offset - block * Self.blockData)
  }

  /// Bytes of an object in its block `block`, counted over all its pages.
  func dataLength(ofBlock block: Int, length: Int) -> Int {
    min(Self.blockData, length - block * Self.blockData)
  }

  /// The check word of a block: the CRC-32C of its data; never all ones, which is what an erased word reads as.
  static func check(_ crc: CRC32C) -> UInt32 { crc.value == 0xffff_ffff ? 0 : crc.value }
}

/// What the header of a page says.
struct PageHeader {
  /// `FBp` and the version of the layout, 1.
  static let magic: UInt32 = 0x0170_4246
  /// Where the part begins that is written when the page is taken.
  static let useOffset = 12
  /// Bytes of that part.
  static let useLength = 16
  /// More erasures than a page can bear: what is read as more is not believed.
  private static let mostErasures: UInt32 = 0xf_ffff

  /// What a page was taken for.
  struct Use {
    static let directory: UInt8 = 0
    static let object: UInt8 = 1

    var kind: UInt8
    /// The object, or the generation of the directory.
    var id: UInt32
    /// Counts pages as they are taken: of two that hold the same piece of an object the later one counts.
    var sequence: UInt32
    /// Which page of the object this is, or which copy of the directory.
    var index: UInt16
  }

  /// How often the page was erased.
  var erasures: UInt32
  /// What it was taken for; nil if it is erased.
  var use: Use?
  /// Whether the part for the use is neither erased nor valid.
  var isDamaged = false

  /// Reads a header; nil if it is none.
  init?(_ bytes: Span<UInt8>) {
    var reader = ByteReader(bytes)
    guard reader.readLittleEndian(width: 4) == UInt64(Self.magic),
      let erasures = reader.readLittleEndian(width: 4),
      reader.readLittleEndian(width: 4) == UInt64(CRC32C.of(bytes.extracting(0..<8)))
    else { return nil }
    self.erasures = min(UInt32(erasures), Self.mostErasures)
    var isBlank = true
    for i in Self.useOffset..<Self.useOffset + Self.useLength where bytes[i] != 0xff { isBlank = false }
    guard !isBlank else { return }
    guard let id = reader.readLittleEndian(width: 4), let sequence = reader.readLittleEndian(width: 4),
      let index = reader.readLittleEndian(width: 2), let kind = reader.readByte(),
      reader.readByte() == 0,
      reader.readLittleEndian(width: 4) == UInt64(CRC32C.of(bytes.extracting(0..<24)))
    else {
      isDamaged = true
      return
    }
    use = Use(kind: kind, id: UInt32(id), sequence: UInt32(sequence), index: UInt16(index))
  }

  init(erasures: UInt32) { self.erasures = erasures }

  /// Appends the 12 bytes that say that the page is erased.
  func encodeErased(into buffer: inout BoundedBytes) {
    let start = buffer.count
    buffer.append(littleEndian: UInt64(Self.magic), width: 4)
    buffer.append(littleEndian: UInt64(erasures), width: 4)
    let crc = CRC32C.of(buffer.span.extracting(start..<buffer.count))
    buffer.append(littleEndian: UInt64(crc), width: 4)
  }

  /// Appends the whole header of a page in use: what ``encodeErased(into:)`` makes, and 16 bytes.
  func encode(_ use: Use, into buffer: inout BoundedBytes) {
    let start = buffer.count
    encodeErased(into: &buffer)
    buffer.append(littleEndian: UInt64(use.id), width: 4)
    buffer.append(littleEndian: UInt64(use.sequence), width: 4)
    buffer.append(littleEndian: UInt64(use.index), width: 2)
    buffer.append(use.kind)
    buffer.append(0)
    let crc = CRC32C.of(buffer.span.extracting(start..<buffer.count))
    buffer.append(littleEndian: UInt64(crc), width: 4)
  }
}
