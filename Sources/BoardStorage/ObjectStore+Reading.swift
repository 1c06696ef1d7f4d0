extension ObjectStore {
  /// Copies part of an object.
  ///
  /// Each block that is read from is held against its check word first; one after the other costs reading twice.
  ///
  /// - Throws: ``StorageError/notHeld`` if the object is gone, ``StorageError/damaged(page:)`` if what lies there is
  ///   not what was written, ``StorageError/incomplete`` for what has not come yet.
  @inline(never)
  public mutating func read<Flash: BoardFlash>(
    _ object: StoredObject, at offset: Int, into destination: inout MutableSpan<UInt8>, _ flash: inout Flash
  ) throws(StorageError) {
    guard let slot = slot(of: object) else { throw .notHeld }
    let length = objects[slot].length
    guard offset >= 0, offset <= length, destination.count <= length - offset else { throw .outOfRange }
    var done = 0
    while done < destination.count {
      let place = layout.place(of: offset + done)
      let count = min(destination.count - done, RegionLayout.blockData - place.at)
      guard let page = pages.page(of: slot, index: place.index) else { throw .incomplete }
      let block = place.index * layout.blocksPerPage + place.block
      try check(page, place.block, layout.dataLength(ofBlock: block, length: length), slot, &flash)
      var part = destination._mutatingExtracting(done..<done + count)
      try readFlash(layout.address(of: page, block: place.block) + place.at, into: &part, &flash)
      done += count
    }
  }

  /// Holds a block against its check word, unless it was the last one to be.
  private mutating func check<Flash: BoardFlash>(
    _ page: Int, _ block: Int, _ length: Int, _ slot: Int, _ flash: inout Flash
  ) throws(StorageError) {
    let number = page * layout.blocksPerPage + block
    guard number != checkedBlock else { return }
    let address = layout.address(of: page, block: block)
    let crc = try checksum(address..<address + length, &flash)
    let check = try word(address + RegionLayout.blockData, &flash)
    guard check == RegionLayout.check(crc) else {
      // Of an object that is coming in, a block without a check word is only one that is not complete.
      guard slot != ObjectSlots.arrival || check != .max else { throw .incomplete }
      if let role = ObjectSlots.role(of: slot) { findings.add(.damagedPage(page, role)) }
      throw .damaged(page: page)
    }
    checkedBlock = number
  }
}
