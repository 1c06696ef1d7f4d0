import Bytes

extension ObjectStore {
  /// Erasures by which a page that is pinned by an object may lag behind before the object is moved.
  static var wearTolerance: UInt32 { 32 }

  /// Whether ``prepareOne(sparingly:_:)`` has pages to erase.
  public var hasPagesToErase: Bool { pages.count(of: PageTable.garbage) > 0 }

  /// Does one thing that makes later writes faster, for when the board is idle: mends the directory, erases a page
  /// (85 ms on an nRF52840), or moves a page of an old object off a page that is hardly worn.
  ///
  /// - Parameter sparingly: erases no more pages than an object that is coming in will take.
  /// - Returns: whether it did anything, so that there may be more to do.
  @inline(never)
  public mutating func prepareOne<Flash: BoardFlash>(
    sparingly: Bool = false, _ flash: inout Flash
  ) throws(StorageError) -> Bool {
    if directory.needsCheckpoint && directory.isThere {
      stage()
      try writeCheckpoint(&flash)
      return true
    }
    if sparingly {
      let needed = pagesOwedToArrival + RegionLayout.directoryPages
      guard pages.count(of: PageTable.prepared) < needed else { return false }
    }
    if let page = pages.leastWorn(PageTable.garbage) {
      try erase(page, &flash)
      return true
    }
    return try levelWear(&flash)
  }

  /// Moves what lies in the least worn page to the most worn of the free ones, if they are far apart.
  @inline(never)
  private mutating func levelWear<Flash: BoardFlash>(_ flash: inout Flash) throws(StorageError) -> Bool {
    guard pages.free > RegionLayout.directoryPages, let target = pages.mostWorn(PageTable.prepared) else {
      return false
    }
    var pinned: Int?
    for page in 0..<pages.count {
      // What is being written moves on by itself.
      let owner = Int(pages.owners[page])
      guard owner < ObjectSlots.stored, owner != ObjectSlots.arrival else { continue }
      if let known = pinned, pages.erasures[known] <= pages.erasures[page] { continue }
      pinned = page
    }
    guard let pinned, pages.erasures[target] > pages.erasures[pinned] + Self.wearTolerance else {
      return false
    }
    try move(pinned, blocks: layout.blocksPerPage, to: target, &flash)
    return true
  }

  // MARK: Taking and erasing

  /// A page that is erased, the least worn of those that are; if there is none, one is erased now.
  ///
  /// - Parameter reserve: pages that must be left afterwards.
  @inline(never)
  mutating func takePage<Flash: BoardFlash>(
    reserve: Int, _ flash: inout Flash
  ) throws(StorageError) -> Int {
    guard pages.free > reserve else { throw .full(needed: 1, free: 0) }
    // Each turn but the last makes a page prepared or bad, or prepared to garbage, once each.
    for _ in 0..<2 * pages.count {
      guard let page = pages.leastWorn(PageTable.prepared) else {
        guard let page = pages.leastWorn(PageTable.garbage) else { break }
        do throws(StorageError) {
          try erase(page, &flash)
        } catch {
          // Another one may do.
          guard pages.free > reserve else { throw error }
        }
        continue
      }
      let body = layout.address(of: page) + PageHeader.useOffset..<layout.address(of: page + 1)
      if try isBlank(body, &flash) { return page }
      // Power went while something was copied here, or while it was erased.
      pages.set(page, PageTable.garbage)
    }
    throw .full(needed: 1, free: 0)
  }

  @inline(never)
  mutating func erase<Flash: BoardFlash>(_ page: Int, _ flash: inout Flash) throws(StorageError) {
    let address = layout.address(of: page)
    checkedBlock = -1
    pages.set(page, PageTable.garbage)
    pages.erasures[page] &+= 1
    scratch.removeAll()
    PageHeader(erasures: pages.erasures[page]).encodeErased(into: &scratch)
    do throws(FlashError) {
      try flash.erase(page: page)
      try flash.write(scratch.span, at: address)
    } catch {
      pages.set(page, PageTable.bad)
      findings.add(.eraseFailed(page: page))
      throw .flash(error)
    }
    pages.set(page, PageTable.prepared)
  }

  /// Writes into the header of an erased page what it is used for, which makes it count.
  @inline(never)
  mutating func mark<Flash: BoardFlash>(
    _ page: Int, kind: UInt8, id: UInt32, index: Int, _ flash: inout Flash
  ) throws(StorageError) {
    let use = PageHeader.Use(kind: kind, id: id, sequence: nextPage, index: UInt16(truncatingIfNeeded: index))
    nextPage &+= 1
    scratch.removeAll()
    PageHeader(erasures: pages.erasures[page]).encode(use, into: &scratch)
    let part = PageHeader.useOffset..<PageHeader.useOffset + PageHeader.useLength
    // Whatever comes of it, the page is not erased any more.
    pages.set(page, PageTable.garbage)
    do throws(FlashError) {
      try flash.write(scratch.span.extracting(part), at: layout.address(of: page) + part.lowerBound)
    } catch {
      findings.add(.writeFailed(page: page))
      throw .flash(error)
    }
  }

  /// Takes a page for piece `index` of the object in `slot`.
  @inline(never)
  mutating func takePage<Flash: BoardFlash>(
    for slot: Int, index: Int, _ flash: inout Flash
  ) throws(StorageError) -> Int {
    let owed = slot == ObjectSlots.arrival ? 0 : pagesOwedToArrival
    let page = try takePage(reserve: RegionLayout.directoryPages + owed, &flash)
    try mark(page, kind: PageHeader.Use.object, id: objects[slot].id, index: index, &flash)
    pages.set(page, UInt8(slot), index: index)
    return page
  }

  /// Copies the first blocks of an object's page to an erased one, which then counts instead.
  @inline(never)
  mutating func move<Flash: BoardFlash>(
    _ page: Int, blocks: Int, to target: Int, _ flash: inout Flash
  ) throws(StorageError) {
    let slot = Int(pages.owners[page])
    let index = pages.index(of: page)
    let from = layout.address(of: page)
    let to = layout.address(of: target)
    // Until its header is written it counts as nothing; a cut leaves it not blank, which is seen when it is taken.
    pages.set(target, PageTable.garbage)
    checkedBlock = -1
    var piece: InlineArray<64, UInt8> = .init(repeating: 0)
    let end = RegionLayout.headerLength + blocks * RegionLayout.blockLength
    var at = RegionLayout.headerLength
    while at < end {
      let count = min(64, end - at)
      var span = piece.mutableSpan
      var part = span._mutatingExtracting(0..<count)
      try readFlash(from + at, into: &part, &flash)
      var isBlank = true
      for i in 0..<count where part[i] != 0xff { isBlank = false }
      if !isBlank { try writeFlash(piece.span.extracting(0..<count), to + at, &flash) }
      at += count
    }
    try mark(target, kind: PageHeader.Use.object, id: objects[slot].id, index: index, &flash)
    pages.set(target, UInt8(slot), index: index)
    pages.set(page, PageTable.garbage)
  }
}
