import Bytes

/// Where the directory is.
struct DirectoryState {
  /// The pages of its two copies; -1 for a copy that is not there.
  var copies: InlineArray<2, Int> = .init(repeating: -1)
  /// Which of all the directories there were this is.
  var generation: UInt32 = 0
  /// Where the next record goes in each page.
  var end = RegionLayout.headerLength
  /// Number of the latest record.
  var sequence: UInt32 = 0
  /// The next record must be one of the whole state, in new pages.
  var needsCheckpoint = true

  var isThere: Bool { copies[0] >= 0 || copies[1] >= 0 }
}

extension ObjectStore {
  /// Begins a change of what there is; ``commitStaged(_:)`` makes it true.
  mutating func stage() {
    for slot in 0..<ObjectSlots.count { staged[slot] = objects[slot] }
  }

  /// Makes what is staged true, at once, for good. Pages of objects that are in no slot any more become garbage.
  @inline(never)
  mutating func commitStaged<Flash: BoardFlash>(_ flash: inout Flash) throws(StorageError) {
    var changed: UInt32 = 0
    for slot in 0..<ObjectSlots.stored where staged[slot].id != objects[slot].id {
      changed |= 1 << UInt32(slot)
    }
    guard changed != 0 else { return }
    try writeRecord(changed, &flash)
    adoptStaged()
  }

  /// Makes what is staged true for the running board.
  @inline(never)
  mutating func adoptStaged() {
    for page in 0..<pages.count where pages.isObject(page) {
      let id = objects[Int(pages.owners[page])].id
      let index = pages.index(of: page)
      var owner = PageTable.garbage
      for slot in 0..<ObjectSlots.count where staged[slot].id == id { owner = UInt8(slot) }
      pages.set(page, owner, index: index)
    }
    for slot in 0..<ObjectSlots.count { objects[slot] = staged[slot] }
    checkedBlock = -1
  }

  @inline(never)
  private mutating func writeRecord<Flash: BoardFlash>(
    _ changed: UInt32, _ flash: inout Flash
  ) throws(StorageError) {
    guard !directory.needsCheckpoint else { return try writeCheckpoint(&flash) }
    scratch.removeAll()
    DirectoryRecord.encode(
      staged, changed: changed, isCheckpoint: false, sequence: directory.sequence &+ 1,
      nextObject: nextObject, into: &scratch)
    guard directory.end + scratch.count <= layout.pageSize else { return try writeCheckpoint(&flash) }
    do throws(FlashError) {
      try flash.write(scratch.span, at: layout.address(of: directory.copies[0]) + directory.end)
    } catch {
      findings.add(.writeFailed(page: directory.copies[0]))
      directory.needsCheckpoint = true
      return try writeCheckpoint(&flash)
    }
    // It is true from here on; the second copy is for the day on which the first one is damaged.
    do throws(FlashError) {
      try flash.write(scratch.span, at: layout.address(of: directory.copies[1]) + directory.end)
    } catch {
      findings.add(.directoryCopyLost)
      directory.needsCheckpoint = true
    }
    directory.end += scratch.count
    directory.sequence &+= 1
  }

  /// Writes the whole staged state to two new pages. The old ones become garbage when the first of the new ones
  /// is whole.
  @inline(never)
  mutating func writeCheckpoint<Flash: BoardFlash>(_ flash: inout Flash) throws(StorageError) {
    directory.needsCheckpoint = true
    let generation = directory.generation &+ 1
    let first = try writeCopy(0, generation, &flash)
    for copy in 0..<2 where directory.copies[copy] >= 0 {
      pages.set(directory.copies[copy], PageTable.garbage)
    }
    directory.generation = generation
    directory.copies[0] = first
    directory.copies[1] = -1
    directory.sequence &+= 1
    directory.end = RegionLayout.headerLength + scratch.count
    do throws(StorageError) {
      directory.copies[1] = try writeCopy(1, generation, &flash, sequence: directory.sequence)
      directory.needsCheckpoint = false
    } catch {
      // The state is written. The second copy is tried again with the next record.
      findings.add(.directoryCopyLost)
    }
  }

  @inline(never)
  private mutating func writeCopy<Flash: BoardFlash>(
    _ copy: Int, _ generation: UInt32, _ flash: inout Flash, sequence: UInt32? = nil
  ) throws(StorageError) -> Int {
    let page = try takePage(reserve: 0, &flash)
    try mark(page, kind: PageHeader.Use.directory, id: generation, index: copy, &flash)
    scratch.removeAll()
    DirectoryRecord.encode(
      staged, changed: .max, isCheckpoint: true, sequence: sequence ?? directory.sequence &+ 1,
      nextObject: nextObject, into: &scratch)
    do throws(FlashError) {
      try flash.write(scratch.span, at: layout.address(of: page) + RegionLayout.headerLength)
    } catch {
      findings.add(.writeFailed(page: page))
      throw .flash(error)
    }
    pages.set(page, PageTable.directory)
    return page
  }
}
