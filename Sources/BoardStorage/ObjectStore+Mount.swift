import Bytes

extension ObjectStore {
  /// Reads all page headers and the directory, and finds out how far an object has come that was coming in.
  ///
  /// What cannot be read counts as not there; nothing is written. What was found out of order is put in order by
  /// the next change, or by ``prepareOne(_:)``.
  @inline(never)
  mutating func mount<Flash: BoardFlash>(_ flash: inout Flash) {
    let known = readHeaders(&flash)
    estimateWear(known)
    readDirectory(&flash)
    for page in 0..<pages.count { assign(page, &flash) }
    dropIncomplete()
    findArrival(&flash)
    stage()
  }

  private func header<Flash: BoardFlash>(of page: Int, _ flash: inout Flash) -> PageHeader? {
    var bytes: InlineArray<32, UInt8> = .init(repeating: 0)
    var span = bytes.mutableSpan
    do throws(StorageError) {
      try readFlash(layout.address(of: page), into: &span, &flash)
    } catch {
      return nil
    }
    return PageHeader(bytes.span)
  }

  /// Notes of all pages whether they are erased and how worn they are, and which directory is the latest.
  ///
  /// - Returns: the number of pages whose wear is known, and its sum.
  @inline(never)
  private mutating func readHeaders<Flash: BoardFlash>(
    _ flash: inout Flash
  ) -> (pages: UInt32, erasures: UInt32) {
    var known: (pages: UInt32, erasures: UInt32) = (0, 0)
    for page in 0..<pages.count {
      pages.erasures[page] = .max
      guard let header = header(of: page, &flash) else {
        // Flash that was never used is as it should be.
        if let first = try? word(layout.address(of: page), &flash), first != .max {
          findings.add(.unreadablePage(page))
        }
        continue
      }
      pages.erasures[page] = header.erasures
      known.pages += 1
      known.erasures &+= header.erasures
      if header.isDamaged { findings.add(.unreadablePage(page)) }
      guard let use = header.use else {
        if !header.isDamaged { pages.set(page, PageTable.prepared) }
        continue
      }
      nextPage = max(nextPage, use.sequence &+ 1)
      if use.kind == PageHeader.Use.object {
        nextObject = max(nextObject, use.id &+ 1)
      } else if use.kind == PageHeader.Use.directory, use.index < 2 {
        considerDirectory(page, use, &flash)
      }
    }
    return known
  }

  /// Pages of which it is not known are taken for as worn as the average.
  private mutating func estimateWear(_ known: (pages: UInt32, erasures: UInt32)) {
    let average = known.pages > 0 ? known.erasures / known.pages : 0
    for page in 0..<pages.count where pages.erasures[page] == .max { pages.erasures[page] = average }
  }

  // MARK: The directory

  /// Takes a page for the directory if it begins with a whole state and none that was found is later.
  @inline(never)
  private mutating func considerDirectory<Flash: BoardFlash>(
    _ page: Int, _ use: PageHeader.Use, _ flash: inout Flash
  ) {
    guard !directory.isThere || use.id >= directory.generation else { return }
    guard let first = readRecord(of: page, at: RegionLayout.headerLength, &flash), first.isCheckpoint else {
      return
    }
    if !directory.isThere || use.id > directory.generation {
      directory.generation = use.id
      for copy in 0..<2 where directory.copies[copy] >= 0 {
        pages.set(directory.copies[copy], PageTable.garbage)
        directory.copies[copy] = -1
      }
    }
    let copy = Int(use.index)
    guard directory.copies[copy] < 0 else { return }
    directory.copies[copy] = page
    pages.set(page, PageTable.directory)
  }

  /// Reads a whole record into the scratch buffer; nil if there is none.
  @inline(never)
  private mutating func readRecord<Flash: BoardFlash>(
    of page: Int, at offset: Int, _ flash: inout Flash
  ) -> DirectoryRecord.Header? {
    guard offset + DirectoryRecord.headerLength <= layout.pageSize else { return nil }
    let address = layout.address(of: page) + offset
    guard Self.fill(&scratch, DirectoryRecord.headerLength, from: address, &flash),
      let header = DirectoryRecord.header(scratch.span), offset + header.length <= layout.pageSize,
      Self.fill(&scratch, header.length, from: address, &flash), DirectoryRecord.isWhole(scratch.span)
    else { return nil }
    return header
  }

  /// Replaces what a buffer holds by bytes of flash; false if they cannot be read.
  private static func fill<Flash: BoardFlash>(
    _ buffer: inout BoundedBytes, _ count: Int, from address: Int, _ flash: inout Flash
  ) -> Bool {
    buffer.removeAll()
    buffer.appendZeros(count)
    var span = buffer.mutableSpan
    do throws(FlashError) {
      try flash.read(at: address, into: &span)
      return true
    } catch {
      return false
    }
  }

  /// Follows the records of one copy.
  ///
  /// - Parameter apply: whether what they say is to be taken over.
  /// - Returns: how many there are, where they end, and the number of the last.
  @inline(never)
  private mutating func follow<Flash: BoardFlash>(
    _ page: Int, apply: Bool, _ flash: inout Flash
  ) -> (records: Int, end: Int, sequence: UInt32) {
    var reached = (records: 0, end: RegionLayout.headerLength, sequence: UInt32(0))
    while let header = readRecord(of: page, at: reached.end, &flash) {
      guard reached.records == 0 || (header.sequence == reached.sequence &+ 1 && !header.isCheckpoint) else {
        break
      }
      if apply {
        for slot in 0..<ObjectSlots.count { staged[slot] = objects[slot] }
        guard DirectoryRecord.read(scratch, header, into: &staged) else { break }
        for slot in 0..<ObjectSlots.count { objects[slot] = staged[slot] }
        nextObject = max(nextObject, header.nextObject)
      }
      reached = (reached.records + 1, reached.end + header.length, header.sequence)
    }
    return reached
  }

  @inline(never)
  private mutating func readDirectory<Flash: BoardFlash>(_ flash: inout Flash) {
    guard directory.isThere else { return }
    var reached: InlineArray<2, Int> = .init(repeating: 0)
    for copy in 0..<2 where directory.copies[copy] >= 0 {
      reached[copy] = follow(directory.copies[copy], apply: false, &flash).records
    }
    let better = reached[1] > reached[0] ? 1 : 0
    let state = follow(directory.copies[better], apply: true, &flash)
    directory.end = state.end
    directory.sequence = state.sequence
    directory.needsCheckpoint = true
    guard directory.copies[0] >= 0, directory.copies[1] >= 0 else {
      return findings.add(.directoryCopyLost)
    }
    guard reached[0] == reached[1], state.records == reached[0] else { return }
    // A record that was cut short must not have another one written over it.
    for copy in 0..<2 {
      let start = layout.address(of: directory.copies[copy])
      guard let isBlank = try? isBlank(start + state.end..<start + layout.pageSize, &flash), isBlank else {
        return
      }
    }
    directory.needsCheckpoint = false
  }

  // MARK: Objects

  /// Gives a page to the object of which it holds a piece.
  @inline(never)
  private mutating func assign<Flash: BoardFlash>(_ page: Int, _ flash: inout Flash) {
    guard pages.owners[page] == PageTable.garbage, let use = header(of: page, &flash)?.use,
      use.kind == PageHeader.Use.object
    else { return }
    for slot in 0..<ObjectSlots.stored where objects[slot].isThere && objects[slot].id == use.id {
      guard Int(use.index) < layout.pages(for: objects[slot].length) else { return }
      if let rival = pages.page(of: slot, index: Int(use.index)) {
        // It was copied, and the old page not erased yet.
        if let other = header(of: rival, &flash)?.use, other.sequence > use.sequence { return }
        pages.set(rival, PageTable.garbage)
      }
      pages.set(page, UInt8(slot), index: Int(use.index))
      return
    }
  }

  /// Forgets objects of which a page is missing.
  @inline(never)
  private mutating func dropIncomplete() {
    for slot in 0..<ObjectSlots.stored where objects[slot].isThere {
      let needed = layout.pages(for: objects[slot].length)
      let isPossible = objects[slot].length <= layout.capacity
      guard !isPossible || (slot != ObjectSlots.arrival && pages.count(of: UInt8(slot)) < needed) else {
        continue
      }
      if let role = ObjectSlots.role(of: slot) { findings.add(.objectLost(role)) }
      forget(slot)
    }
    // What was left out of an update that is not there any more was not left out of anything.
    if !objects[ObjectSlots.update].isThere && objects[ObjectSlots.nextResidual].isThere {
      forget(ObjectSlots.nextResidual)
    }
    if !objects[ObjectSlots.newestModel].isThere && objects[ObjectSlots.otherModel].isThere {
      objects[ObjectSlots.newestModel] = objects[ObjectSlots.otherModel]
      objects[ObjectSlots.otherModel] = StoredEntry()
      for page in 0..<pages.count where Int(pages.owners[page]) == ObjectSlots.otherModel {
        pages.set(page, UInt8(ObjectSlots.newestModel), index: pages.index(of: page))
      }
      directory.needsCheckpoint = true
    }
  }

  private mutating func forget(_ slot: Int) {
    for page in 0..<pages.count where Int(pages.owners[page]) == slot { pages.set(page, PageTable.garbage) }
    objects[slot] = StoredEntry()
    directory.needsCheckpoint = true
  }
}
