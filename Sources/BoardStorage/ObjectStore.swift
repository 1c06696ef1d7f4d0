import Bytes
public import Digests

/// The places of the table of objects: one for each role, and one for each object that the board is writing.
enum ObjectSlots {
  static let newestModel = 0
  static let otherModel = 1
  static let update = 2
  static let residual = 3
  static let nextResidual = 4
  static let arrival = 5
  /// Slots before this one are what the directory in flash speaks of.
  ///
  /// Slot 6, of role 7, is of no object yet; slots 7 and 8 are those of keys.
  static let stored = 9
  static let firstDraft = 9
  static let count = 13

  static func role(of slot: Int) -> StoredRole? { StoredRole(rawValue: UInt8(slot + 1)) }
}

/// The objects that a board keeps in flash, in pages that are used in turn, under a directory that is written as a
/// log. `Protocols/flash-layout.md` specifies what lies in flash.
///
/// Theory: an object owns whole pages, each of which says in its header which piece of which object it is. Which
/// objects there are, and in which role, says the directory: a page of records of which each names what changed.
/// What one record says happens at once: a power cut leaves a record that is not whole, and the state before. The
/// directory is there twice, so that no single page takes more than one object with it. When its page is full, or
/// anything about it is not in order, the whole state is written to two new pages.
///
/// The flash is handed to every call; nothing is allocated after `init`. All calls are bounded: besides reading and
/// writing what they are asked to, they erase one page for each page they take that was not prepared.
public struct ObjectStore: ~Copyable {
  let layout: RegionLayout
  var pages: PageTable
  /// What there is, by slot.
  var objects: [StoredEntry]
  /// What there will be when the record that says so is written.
  var staged: [StoredEntry]
  var drafts: [DraftState]
  var arrival = ArrivalState()
  var nextObject: UInt32 = 1
  var nextPage: UInt32 = 1

  var directory = DirectoryState()
  /// Room for the longest record: nothing is allocated once the board runs.
  var scratch = BoundedBytes(capacity: DirectoryRecord.maximumLength)
  /// The block that was checked last: what is read next lies mostly in the same.
  var checkedBlock = -1

  var findings = FindingQueue()

  /// Reads which objects the flash holds. Whatever else lies there (nothing, another format, noise) counts as
  /// nothing.
  public init<Flash: BoardFlash>(mounting flash: inout Flash) {
    layout = RegionLayout(pageSize: flash.pageSize, pageCount: flash.pageCount)
    pages = PageTable(count: layout.pageCount)
    objects = [StoredEntry](repeating: StoredEntry(), count: ObjectSlots.count)
    staged = objects
    drafts = [DraftState](repeating: DraftState(), count: ObjectSlots.count - ObjectSlots.firstDraft)
    mount(&flash)
  }

  // MARK: What there is

  /// The longest object that an empty flash of this size can hold, in bytes.
  public var capacity: Int { layout.capacity }

  /// The object in this role.
  @inline(never)
  public func object(_ role: StoredRole) -> StoredObject? {
    let slot = Int(role.rawValue) - 1
    return objects[slot].isThere ? objects[slot].object : nil
  }

  /// The model with this SHA-256.
  @inline(never)
  public func model(_ digest: Digest32) -> StoredObject? {
    for slot in ObjectSlots.newestModel...ObjectSlots.otherModel
    where objects[slot].isThere && objects[slot].digest == digest {
      return objects[slot].object
    }
    return nil
  }

  /// The SHA-256 of an object, as the caller said; zeros if the object is gone.
  @inline(never)
  public func digest(of object: StoredObject) -> Digest32 {
    guard let slot = slot(of: object) else { return .zero }
    return objects[slot].digest
  }

  /// What the caller said about an object; nothing if the object is gone.
  @inline(never)
  public func metadata(of object: StoredObject) -> StoredMetadata {
    guard let slot = slot(of: object) else { return StoredMetadata() }
    return objects[slot].metadata
  }

  /// Pages that a new object can take: those that are free, less what the directory may need and what an object
  /// that is coming in was promised.
  public var freePages: Int { max(0, pages.free - RegionLayout.directoryPages - pagesOwedToArrival) }

  /// Pages that an object of `length` bytes takes.
  public func pages(for length: Int) -> Int { layout.pages(for: length) }

  /// Something that went wrong and was dealt with; nil if there is nothing more to report.
  public mutating func takeFinding() -> StorageFinding? { findings.take() }

  /// How worn and how full the flash is.
  public var condition: StorageCondition {
    var condition = StorageCondition(
      pages: pages.count, free: freePages, prepared: pages.count(of: PageTable.prepared), leastErased: 0,
      mostErased: 0, erasures: 0)
    for page in 0..<pages.count {
      let erasures = pages.erasures[page]
      condition.leastErased = page == 0 ? erasures : min(condition.leastErased, erasures)
      condition.mostErased = max(condition.mostErased, erasures)
      condition.erasures &+= erasures
    }
    return condition
  }

  /// The slot of an object that is there; nil if the handle is of one that is gone.
  @inline(never)
  func slot(of object: StoredObject) -> Int? {
    for slot in 0..<ObjectSlots.stored where objects[slot].isThere && objects[slot].id == object.id {
      return slot
    }
    return nil
  }

  // MARK: Flash

  func readFlash<Flash: BoardFlash>(
    _ address: Int, into destination: inout MutableSpan<UInt8>, _ flash: inout Flash
  ) throws(StorageError) {
    do throws(FlashError) {
      try flash.read(at: address, into: &destination)
    } catch {
      throw .flash(error)
    }
  }

  mutating func writeFlash<Flash: BoardFlash>(
    _ words: Span<UInt8>, _ address: Int, _ flash: inout Flash
  ) throws(StorageError) {
    do throws(FlashError) {
      try flash.write(words, at: address)
    } catch {
      findings.add(.writeFailed(page: address / layout.pageSize))
      throw .flash(error)
    }
  }

  /// Whether all of a range reads as erased.
  func isBlank<Flash: BoardFlash>(
    _ range: Range<Int>, _ flash: inout Flash
  ) throws(StorageError) -> Bool {
    var block: InlineArray<64, UInt8> = .init(repeating: 0)
    var at = range.lowerBound
    while at < range.upperBound {
      let count = min(64, range.upperBound - at)
      var span = block.mutableSpan
      var part = span._mutatingExtracting(0..<count)
      try readFlash(at, into: &part, &flash)
      for i in 0..<count where part[i] != 0xff { return false }
      at += count
    }
    return true
  }

  /// The CRC-32C of a range.
  func checksum<Flash: BoardFlash>(
    _ range: Range<Int>, _ flash: inout Flash
  ) throws(StorageError) -> CRC32C {
    var crc = CRC32C()
    var block: InlineArray<64, UInt8> = .init(repeating: 0)
    var at = range.lowerBound
    while at < range.upperBound {
      let count = min(64, range.upperBound - at)
      var span = block.mutableSpan
      var part = span._mutatingExtracting(0..<count)
      try readFlash(at, into: &part, &flash)
      crc.update(block.span.extracting(0..<count))
      at += count
    }
    return crc
  }

  /// A word of flash.
  func word<Flash: BoardFlash>(_ address: Int, _ flash: inout Flash) throws(StorageError) -> UInt32 {
    var bytes: InlineArray<4, UInt8> = .init(repeating: 0)
    var span = bytes.mutableSpan
    try readFlash(address, into: &span, &flash)
    return UInt32(bytes[0]) | UInt32(bytes[1]) << 8 | UInt32(bytes[2]) << 16 | UInt32(bytes[3]) << 24
  }

  mutating func write<Flash: BoardFlash>(
    word: UInt32, _ address: Int, _ flash: inout Flash
  ) throws(StorageError) {
    var bytes: InlineArray<4, UInt8> = .init(repeating: 0)
    for i in 0..<4 { bytes[i] = UInt8(truncatingIfNeeded: word >> UInt32(8 * i)) }
    try writeFlash(bytes.span, address, &flash)
  }
}

/// What went wrong lately. The first reports stay: what follows is often their consequence.
struct FindingQueue {
  private var waiting: InlineArray<4, StorageFinding?> = .init(repeating: nil)

  mutating func add(_ finding: StorageFinding) {
    for i in 0..<4 where waiting[i] == nil {
      waiting[i] = finding
      return
    }
  }

  mutating func take() -> StorageFinding? {
    let first = waiting[0]
    for i in 0..<3 { waiting[i] = waiting[i + 1] }
    waiting[3] = nil
    return first
  }
}
