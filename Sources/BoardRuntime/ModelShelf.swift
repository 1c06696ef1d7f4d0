import BoardStorage
import Bytes
import Digests
import LinkProtocol

/// Two places for models in flash. A new model goes to the place that is not in use; only a header that is
/// written last makes it count. So a power cut at any write leaves the old model, or the new one.
///
/// A place: 48 bytes of header (magic, counter, length, SHA-256, CRC-32C), 16 bytes unused, then the object.
struct ModelShelf {
  /// A model that is stored for good.
  struct Held: Equatable {
    var place: Int
    var counter: UInt32
    var name: ObjectName
  }

  /// A model that is arriving.
  struct Arriving {
    var place: Int
    var name: ObjectName
    /// Pages of the place that are erased and may be written, from the first on.
    var erasedPages = 0
    /// Bytes without a gap.
    var contiguous: UInt32 = 0
  }

  static let bodyOffset = 64
  private static let headerLength = 48
  private static let magic: UInt64 = 0x3153_4246  // "FBS1"

  private let pagesPerPlace: Int
  private let pageSize: Int
  private var places: InlineArray<2, Held?> = .init(repeating: nil)
  private(set) var arriving: Arriving?

  /// Reads which models are there.
  init<Flash: BoardFlash>(mounting flash: inout Flash) {
    pagesPerPlace = flash.pageCount / 2
    pageSize = flash.pageSize
    for place in 0..<2 { places[place] = readHeader(of: place, &flash) }
  }

  /// The longest object a place can hold, in bytes.
  var capacity: Int { max(0, pagesPerPlace * pageSize - Self.bodyOffset) }

  /// The newest model.
  var newest: Held? {
    guard let first = places[0] else { return places[1] }
    guard let second = places[1] else { return first }
    return Int32(bitPattern: second.counter &- first.counter) > 0 ? second : first
  }

  /// The model with this digest, if it is stored.
  func held(_ digest: Digest32) -> Held? {
    for place in 0..<2 {
      if let held = places[place], held.name.digest == digest { return held }
    }
    return nil
  }

  // MARK: Arriving

  /// Makes room for a model that was offered.
  ///
  /// - Parameter used: a model that must stay, besides the newest one.
  /// - Returns: how many of its bytes are here already; nil if no place is free.
  mutating func prepare(for name: ObjectName, keeping used: Held?) -> UInt32? {
    guard Int(name.length) <= capacity else { return nil }
    if let arriving, arriving.name == name { return arriving.contiguous & ~3 }
    let place = newest.map { 1 - $0.place } ?? 0
    guard used == nil || used?.place != place else { return nil }
    arriving = Arriving(place: place, name: name)
    return 0
  }

  /// How far the arriving model has come without gaps.
  mutating func note(contiguous: UInt32) {
    arriving?.contiguous = contiguous
  }

  /// Writes a piece of the arriving model.
  mutating func write<Flash: BoardFlash>(
    _ bytes: Span<UInt8>, at offset: Int, _ flash: inout Flash
  ) throws(FlashError) {
    guard var model = arriving, offset & 3 == 0, offset + bytes.count <= Int(model.name.length) else {
      throw .outOfRange
    }
    let start = Self.bodyOffset + offset
    let lastPage = (start + max(bytes.count, 1) - 1) / pageSize
    // The old header goes with the first page: what is being overwritten does not count any more.
    if model.erasedPages == 0 { places[model.place] = nil }
    while model.erasedPages <= lastPage {
      try flash.erase(page: model.place * pagesPerPlace + model.erasedPages)
      model.erasedPages += 1
      arriving = model
    }
    let whole = bytes.count & ~3
    let address = base(of: model.place) + start
    if whole > 0 { try writeUnlessThere(bytes.extracting(0..<whole), at: address, &flash) }
    if whole < bytes.count {
      // The last word of the object is filled up with ones, which leave flash as it is.
      var word: InlineArray<4, UInt8> = .init(repeating: 0xff)
      for i in whole..<bytes.count { word[i - whole] = bytes[i] }
      try writeUnlessThere(word.span, at: address + whole, &flash)
    }
  }

  /// A piece can come again after a resumed transfer; a word must not be written more than twice.
  private func writeUnlessThere<Flash: BoardFlash>(
    _ words: Span<UInt8>, at address: Int, _ flash: inout Flash
  ) throws(FlashError) {
    var block: InlineArray<64, UInt8> = .init(repeating: 0)
    var same = true
    var offset = 0
    while same && offset < words.count {
      let count = min(64, words.count - offset)
      var span = block.mutableSpan
      var part = span._mutatingExtracting(0..<count)
      try flash.read(at: address + offset, into: &part)
      for i in 0..<count where part[i] != words[offset + i] { same = false }
      offset += count
    }
    if !same { try flash.write(words, at: address) }
  }

  /// Gives up the arriving model.
  mutating func abandon() {
    arriving = nil
  }

  /// Makes the arriving model, whose bytes were verified, the newest one.
  ///
  /// - Parameter header: room for 64 bytes, so that none has to be allocated.
  mutating func commit<Flash: BoardFlash>(
    _ flash: inout Flash, through header: inout BoundedBytes
  ) throws(FlashError) {
    guard let model = arriving else { return }
    let held = Held(
      place: model.place, counter: (newest?.counter ?? 0) &+ 1, name: model.name)
    header.removeAll()
    header.append(littleEndian: Self.magic, width: 4)
    header.append(littleEndian: UInt64(held.counter), width: 4)
    header.append(littleEndian: UInt64(held.name.length), width: 4)
    header.append(contentsOf: held.name.digest.span)
    let checksum = CRC32C.of(header.span)
    header.append(littleEndian: UInt64(checksum), width: 4)
    try flash.write(header.span, at: base(of: held.place))
    places[held.place] = held
    arriving = nil
  }

  // MARK: Reading

  /// Copies part of a stored or arriving model.
  func read<Flash: BoardFlash>(
    place: Int, at offset: Int, into destination: inout MutableSpan<UInt8>, _ flash: inout Flash
  ) throws(FlashError) {
    try flash.read(at: base(of: place) + Self.bodyOffset + offset, into: &destination)
  }

  private func base(of place: Int) -> Int { place * pagesPerPlace * pageSize }

  private func readHeader<Flash: BoardFlash>(of place: Int, _ flash: inout Flash) -> Held? {
    var bytes: InlineArray<48, UInt8> = .init(repeating: 0)
    var span = bytes.mutableSpan
    do throws(FlashError) { try flash.read(at: base(of: place), into: &span) } catch { return nil }
    let header = bytes.span
    var reader = ByteReader(header)
    guard reader.readLittleEndian(width: 4) == Self.magic,
      let counter = reader.readLittleEndian(width: 4),
      let length = reader.readLittleEndian(width: 4), length <= UInt64(capacity),
      let digestBytes = reader.read(Digest32.count), let digest = Digest32(digestBytes),
      let checksum = reader.readLittleEndian(width: 4),
      UInt32(checksum) == CRC32C.of(header.extracting(0..<Self.headerLength - 4))
    else { return nil }
    return Held(
      place: place, counter: UInt32(counter), name: ObjectName(digest: digest, length: UInt32(length)))
  }
}
