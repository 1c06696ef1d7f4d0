import Digests

/// An object that the board is writing itself. It counts from the change on that gives it a role.
public enum Draft: Int, Sendable, Equatable {
  /// A model made of another one and a delta.
  case model = 0
  /// What the board learnt.
  case update = 1
  /// What the update leaves out.
  case nextResidual = 2
  /// Keys; see ``ObjectStore/keep(_:as:_:)``.
  case keys = 3

  var slot: Int { ObjectSlots.firstDraft + rawValue }
}

/// How far the writing of a draft has come.
struct DraftState {
  /// Bytes in flash, a multiple of 4.
  var written = 0
  /// The bytes of a word that is not complete.
  var word: InlineArray<4, UInt8> = .init(repeating: 0xff)
  var pending = 0
  /// Checksum of the current block.
  var crc = CRC32C()
  /// The page that is being written.
  var page = 0
}

extension ObjectStore {
  /// Begins to write an object. One that was being written under this name is given up.
  @inline(never)
  public mutating func begin(_ draft: Draft) {
    discard(draft)
    drafts[draft.rawValue] = DraftState()
    objects[draft.slot] = StoredEntry(
      id: newID(), kind: 0, length: 0, digest: .zero, metadata: StoredMetadata())
  }

  /// Gives up an object that is being written.
  public mutating func discard(_ draft: Draft) {
    for page in 0..<pages.count where Int(pages.owners[page]) == draft.slot {
      pages.set(page, PageTable.garbage)
    }
    objects[draft.slot] = StoredEntry()
  }

  /// Length of an object that is being written, in bytes; nil if none is.
  public func length(of draft: Draft) -> Int? {
    objects[draft.slot].isThere ? objects[draft.slot].length : nil
  }

  /// Appends bytes to an object that is being written.
  ///
  /// - Throws: ``StorageError/full(needed:free:)`` and what the flash says; the draft cannot be used any more then and
  ///   is given up.
  @inline(never)
  public mutating func append<Flash: BoardFlash>(
    _ bytes: Span<UInt8>, to draft: Draft, _ flash: inout Flash
  ) throws(StorageError) {
    guard objects[draft.slot].isThere else { throw .notHeld }
    guard bytes.count <= layout.capacity - objects[draft.slot].length else {
      discard(draft)
      throw .full(needed: pages.count, free: freePages)
    }
    do throws(StorageError) {
      try write(bytes, to: draft, &flash)
    } catch {
      discard(draft)
      throw error
    }
  }

  private mutating func write<Flash: BoardFlash>(
    _ bytes: Span<UInt8>, to draft: Draft, _ flash: inout Flash
  ) throws(StorageError) {
    var at = 0
    while at < bytes.count {
      let pending = drafts[draft.rawValue].pending
      if pending > 0 || bytes.count - at < 4 {
        drafts[draft.rawValue].word[pending] = bytes[at]
        drafts[draft.rawValue].pending += 1
        at += 1
        if pending == 3 { try writeWord(of: draft, &flash) }
        continue
      }
      let room = RegionLayout.blockData - drafts[draft.rawValue].written % RegionLayout.blockData
      let count = min((bytes.count - at) & ~3, room)
      try writeWords(bytes.extracting(at..<at + count), of: draft, &flash)
      at += count
    }
    objects[draft.slot].length += bytes.count
  }

  private mutating func writeWord<Flash: BoardFlash>(
    of draft: Draft, _ flash: inout Flash
  ) throws(StorageError) {
    let word = drafts[draft.rawValue].word
    drafts[draft.rawValue].pending = 0
    try writeWords(word.span, of: draft, &flash)
  }

  /// Writes words that lie in one block.
  @inline(never)
  private mutating func writeWords<Flash: BoardFlash>(
    _ words: Span<UInt8>, of draft: Draft, _ flash: inout Flash
  ) throws(StorageError) {
    var state = drafts[draft.rawValue]
    let place = layout.place(of: state.written)
    if place.block == 0 && place.at == 0 {
      state.page = try takePage(for: draft.slot, index: place.index, &flash)
    }
    let address = layout.address(of: state.page, block: place.block)
    try writeFlash(words, address + place.at, &flash)
    state.crc.update(words)
    state.written += words.count
    if place.at + words.count == RegionLayout.blockData {
      try write(word: RegionLayout.check(state.crc), address + RegionLayout.blockData, &flash)
      state.crc = CRC32C()
    }
    drafts[draft.rawValue] = state
  }

  /// Writes what is left in the buffer, and the check word of a last block that is not full.
  @inline(never)
  mutating func finish<Flash: BoardFlash>(_ draft: Draft, _ flash: inout Flash) throws(StorageError) {
    guard objects[draft.slot].isThere else { throw .notHeld }
    do throws(StorageError) {
      var state = drafts[draft.rawValue]
      guard objects[draft.slot].length % RegionLayout.blockData != 0 else { return }
      if state.pending > 0 {
        // The checksum is of the object's bytes, not of those that fill up its last word.
        let place = layout.place(of: state.written)
        if place.block == 0 && place.at == 0 {
          state.page = try takePage(for: draft.slot, index: place.index, &flash)
        }
        for i in state.pending..<4 { state.word[i] = 0xff }
        let word = state.word
        try writeFlash(word.span, layout.address(of: state.page, block: place.block) + place.at, &flash)
        for i in 0..<state.pending { state.crc.update(byte: word[i]) }
        state.pending = 0
        drafts[draft.rawValue] = state
      }
      let place = layout.place(of: objects[draft.slot].length - 1)
      try write(
        word: RegionLayout.check(state.crc),
        layout.address(of: state.page, block: place.block) + RegionLayout.blockData, &flash)
    } catch {
      discard(draft)
      throw error
    }
  }
}
