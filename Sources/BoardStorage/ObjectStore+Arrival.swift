public import Digests

/// How far the object has come that is coming in.
struct ArrivalState {
  /// Bytes without a gap, as the caller said.
  var contiguous = 0
  /// Blocks from the beginning on that have their check words.
  var checkedBlocks = 0
  /// The page in which the first unchecked block lies has words behind the checked ones that nobody vouches for: what
  /// is good of it must be moved before anything is written.
  var mustMove = false
}

extension ObjectStore {
  /// Pages that an object that is coming in will still take.
  var pagesOwedToArrival: Int {
    guard objects[ObjectSlots.arrival].isThere else { return 0 }
    let whole = layout.pages(for: objects[ObjectSlots.arrival].length)
    return max(0, whole - pages.count(of: UInt8(ObjectSlots.arrival)))
  }

  /// Begins to take in an object, or goes on with it if it is the one that was coming in. Another one that was is
  /// given up.
  ///
  /// - Parameters:
  ///   - kind: what the caller calls this kind of object.
  /// - Returns: how many of its bytes are here already; a multiple of 4 unless it is all of them.
  /// - Throws: ``StorageError/full(needed:free:)`` and what the flash says; then everything is as before.
  @inline(never)
  public mutating func beginArrival<Flash: BoardFlash>(
    kind: UInt8, digest: Digest32, length: Int, _ flash: inout Flash
  ) throws(StorageError) -> Int {
    let current = objects[ObjectSlots.arrival]
    if current.isThere, current.kind == kind, current.digest == digest, current.length == length {
      return arrival.contiguous == length ? length : arrival.contiguous & ~3
    }
    guard length >= 0, length <= layout.capacity else {
      throw .full(needed: pages(for: length), free: freePages)
    }
    let freed = current.isThere ? pages(for: current.length) : 0
    guard pages(for: length) <= freePages + freed else {
      throw .full(needed: pages(for: length), free: freePages + freed)
    }
    stage()
    staged[ObjectSlots.arrival] = StoredEntry(
      id: newID(), kind: kind, length: length, digest: digest, metadata: StoredMetadata())
    try commitStaged(&flash)
    arrival = ArrivalState()
    return 0
  }

  mutating func newID() -> UInt32 {
    if nextObject == 0 { nextObject = 1 }
    defer { nextObject &+= 1 }
    return nextObject
  }

  /// Bytes of the object that is coming in that are here without a gap; 0 if none is coming in.
  public var arrived: Int { objects[ObjectSlots.arrival].isThere ? arrival.contiguous : 0 }

  /// Writes a piece of the object that is coming in; pieces may come in any order.
  ///
  /// - Parameters:
  ///   - bytes: a multiple of 4, unless the object ends with it.
  ///   - offset: a multiple of 4.
  /// - Throws: ``StorageError/conflict`` if other bytes are there already. After any error only what has a check word
  ///   is still there, and ``arrived`` says how much that is.
  @inline(never)
  public mutating func write<Flash: BoardFlash>(
    _ bytes: Span<UInt8>, at offset: Int, _ flash: inout Flash
  ) throws(StorageError) {
    let object = objects[ObjectSlots.arrival]
    guard object.isThere else { throw .notHeld }
    guard offset >= 0, offset & 3 == 0, offset <= object.length, bytes.count <= object.length - offset,
      bytes.count & 3 == 0 || bytes.count == object.length - offset
    else { throw .outOfRange }
    do throws(StorageError) {
      var done = 0
      while done < bytes.count {
        let place = layout.place(of: offset + done)
        let count = min(bytes.count - done, RegionLayout.blockData - place.at)
        let page = try pageOfArrival(place.index, &flash)
        let address = layout.address(of: page, block: place.block) + place.at
        let whole = count & ~3
        try writeOnce(bytes.extracting(done..<done + whole), address, &flash)
        if whole < count {
          // The last word of the object is filled up with ones, which leave flash as it is.
          var word: InlineArray<4, UInt8> = .init(repeating: 0xff)
          for i in whole..<count { word[i - whole] = bytes[done + i] }
          try writeOnce(word.span, address + whole, &flash)
        }
        done += count
      }
    } catch {
      rewindArrival(&flash)
      throw error
    }
  }

  /// Says that all bytes before `contiguous` were written. Blocks that are complete get their check words, so that they
  /// count also after a power cut.
  @inline(never)
  public mutating func noteArrived<Flash: BoardFlash>(
    contiguous: Int, _ flash: inout Flash
  ) throws(StorageError) {
    let object = objects[ObjectSlots.arrival]
    guard object.isThere else { throw .notHeld }
    guard contiguous <= object.length else { throw .outOfRange }
    arrival.contiguous = max(arrival.contiguous, contiguous)
    do throws(StorageError) {
      while arrival.checkedBlocks < layout.blocks(for: object.length) {
        let block = arrival.checkedBlocks
        let length = layout.dataLength(ofBlock: block, length: object.length)
        guard block * RegionLayout.blockData + length <= arrival.contiguous else { return }
        let place = layout.place(of: block * RegionLayout.blockData)
        guard let page = pages.page(of: ObjectSlots.arrival, index: place.index) else { throw .incomplete }
        let address = layout.address(of: page, block: place.block)
        let crc = try checksum(address..<address + length, &flash)
        try write(word: RegionLayout.check(crc), address + RegionLayout.blockData, &flash)
        arrival.checkedBlocks += 1
      }
    } catch {
      rewindArrival(&flash)
      throw error
    }
  }

  /// Gives up the object that is coming in.
  public mutating func dropArrival<Flash: BoardFlash>(_ flash: inout Flash) throws(StorageError) {
    stage()
    staged[ObjectSlots.arrival] = StoredEntry()
    try commitStaged(&flash)
    arrival = ArrivalState()
  }

  /// The page for a piece of the object that is coming in.
  @inline(never)
  private mutating func pageOfArrival<Flash: BoardFlash>(
    _ index: Int, _ flash: inout Flash
  ) throws(StorageError) -> Int {
    guard let page = pages.page(of: ObjectSlots.arrival, index: index) else {
      return try takePage(for: ObjectSlots.arrival, index: index, &flash)
    }
    let boundary = arrival.checkedBlocks / layout.blocksPerPage
    guard arrival.mustMove && index == boundary else { return page }
    let target = try takePage(reserve: RegionLayout.directoryPages, &flash)
    try move(page, blocks: arrival.checkedBlocks - boundary * layout.blocksPerPage, to: target, &flash)
    arrival.mustMove = false
    return target
  }

  /// Writes words that are there already, or not at all yet; a word must not be written more than twice.
  @inline(never)
  private mutating func writeOnce<Flash: BoardFlash>(
    _ words: Span<UInt8>, _ address: Int, _ flash: inout Flash
  ) throws(StorageError) {
    if try isBlank(address..<address + words.count, &flash) {
      if words.count > 0 { try writeFlash(words, address, &flash) }
      return
    }
    var there: InlineArray<4, UInt8> = .init(repeating: 0)
    var at = 0
    while at < words.count {
      var span = there.mutableSpan
      try readFlash(address + at, into: &span, &flash)
      var isSame = true
      var isBlank = true
      for i in 0..<4 {
        if there[i] != words[at + i] { isSame = false }
        if there[i] != 0xff { isBlank = false }
      }
      if !isSame {
        guard isBlank else { throw .conflict }
        try writeFlash(words.extracting(at..<at + 4), address + at, &flash)
      }
      at += 4
    }
  }

  // MARK: Going on

  /// Finds out how much has come of an object that was coming in: all blocks before the first one that is not what its
  /// check word says.
  @inline(never)
  mutating func findArrival<Flash: BoardFlash>(_ flash: inout Flash) {
    arrival = ArrivalState()
    let object = objects[ObjectSlots.arrival]
    guard object.isThere else { return }
    while arrival.checkedBlocks < layout.blocks(for: object.length) {
      let block = arrival.checkedBlocks
      let place = layout.place(of: block * RegionLayout.blockData)
      guard let page = pages.page(of: ObjectSlots.arrival, index: place.index) else { break }
      let address = layout.address(of: page, block: place.block)
      let length = layout.dataLength(ofBlock: block, length: object.length)
      guard let crc = try? checksum(address..<address + length, &flash),
        let check = try? word(address + RegionLayout.blockData, &flash), check == RegionLayout.check(crc)
      else { break }
      arrival.checkedBlocks += 1
    }
    rewindArrival(&flash)
  }

  /// Forgets what has come beyond the last block with a check word: nobody knows what of it is whole.
  @inline(never)
  private mutating func rewindArrival<Flash: BoardFlash>(_ flash: inout Flash) {
    let object = objects[ObjectSlots.arrival]
    arrival.contiguous = min(arrival.checkedBlocks * RegionLayout.blockData, object.length)
    arrival.mustMove = false
    let boundary = arrival.checkedBlocks / layout.blocksPerPage
    let checked = arrival.checkedBlocks - boundary * layout.blocksPerPage
    for page in 0..<pages.count where Int(pages.owners[page]) == ObjectSlots.arrival {
      let index = pages.index(of: page)
      guard index >= boundary else { continue }
      if index > boundary || checked == 0 {
        pages.set(page, PageTable.garbage)
      } else {
        let rest = layout.address(of: page, block: checked)..<layout.address(of: page + 1)
        let isBlank = try? isBlank(rest, &flash)
        arrival.mustMove = isBlank != true
      }
    }
  }
}
