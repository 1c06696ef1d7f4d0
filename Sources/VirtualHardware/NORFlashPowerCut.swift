public import BoardStorage

/// ``NORFlash`` whose power can be cut at any operation, for tests of what survives.
///
/// An operation is the writing of one word or the erasing of one page. In the one at which power goes a word loses some
/// of the bits that it was to lose, a page reads as noise; those that the caller had asked for after it are not begun.
/// Nothing works until power is back.
public final class CuttableNORFlash: BoardFlash {
  private let flash: NORFlash
  private var noise: UInt64
  /// Operations so far.
  public private(set) var operations = 0
  /// How many operations each call asked for so far: 1 for an erase, the number of words for a write.
  public private(set) var calls: [Int] = []
  /// The operation at which power goes, counted from 1; nil for never.
  public var cutAt: Int?
  /// Whether power is off.
  public private(set) var isOff = false
  /// How often each page was erased.
  public private(set) var erasures: [Int]
  /// Pages that do not take an erase any more.
  public var wornOut: Set<Int> = []

  /// Flash of so many pages, erased; `seed` decides what is left of an operation that was cut.
  public init(pageCount: Int, seed: UInt64) {
    flash = NORFlash(pageCount: pageCount)
    noise = seed
    erasures = [Int](repeating: 0, count: pageCount)
  }

  /// Flash with what another one holds, and power.
  public init(copying other: CuttableNORFlash, seed: UInt64) {
    flash = NORFlash(copying: other.flash)
    noise = seed
    erasures = other.erasures
  }

  /// Bytes a page.
  public var pageSize: Int { flash.pageSize }
  /// Number of pages.
  public var pageCount: Int { flash.pageCount }

  /// Power is back.
  public func powerUp() {
    isOff = false
    cutAt = nil
  }

  /// Fills a page with noise, as if its cells had lost their charge.
  public func damage(page: Int) {
    flash.disturb(page * pageSize..<(page + 1) * pageSize, writes: 0) { _ in
      UInt8(truncatingIfNeeded: nextNoise())
    }
  }

  /// Flips some bits of a byte.
  public func damage(byte: Int, bits: UInt8) {
    flash.disturb(byte..<byte + 1, writes: 0) { $0 ^ bits }
  }

  /// Where these bytes lie first; nil if nowhere.
  public func find(_ bytes: ArraySlice<UInt8>) throws(FlashError) -> Int? {
    var content = [UInt8](repeating: 0, count: pageSize * pageCount)
    var span = content.mutableSpan
    try flash.read(at: 0, into: &span)
    return (0..<content.count - bytes.count).first { content[$0..<$0 + bytes.count].elementsEqual(bytes) }
  }

  /// Makes a page hold what another one does.
  public func copy(page: Int, to target: Int) throws(FlashError) {
    var bytes = [UInt8](repeating: 0, count: pageSize)
    var span = bytes.mutableSpan
    try flash.read(at: page * pageSize, into: &span)
    var i = 0
    flash.disturb(target * pageSize..<(target + 1) * pageSize, writes: 0) { _ in
      defer { i += 1 }
      return bytes[i]
    }
  }

  /// SplitMix64.
  private func nextNoise() -> UInt64 {
    noise &+= 0x9e37_79b9_7f4a_7c15
    var z = noise
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Copies `destination.count` bytes from `offset` on.
  public func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(FlashError) {
    guard !isOff else { throw .outOfRange }
    try flash.read(at: offset, into: &destination)
  }

  /// Writes whole words.
  public func write(_ words: Span<UInt8>, at offset: Int) throws(FlashError) {
    guard !isOff else { throw .writeFailed }
    let count = words.count / 4
    if let cut = cutAt, cut <= operations + count {
      let word = cut - operations - 1
      operations = cut
      isOff = true
      try flash.write(words.extracting(0..<4 * word), at: offset)
      // As likely as not nothing has happened yet, or everything has.
      let mask = [0, nextNoise(), nextNoise(), .max][Int(nextNoise() & 3)]
      let at = offset + 4 * word
      var i = 0
      flash.disturb(at..<at + 4, writes: 1) { byte in
        defer { i += 1 }
        return byte & (words[4 * word + i] | ~UInt8(truncatingIfNeeded: mask >> UInt64(8 * i)))
      }
      throw .writeFailed
    }
    operations += count
    calls.append(count)
    try flash.write(words, at: offset)
  }

  /// Erases one page.
  public func erase(page: Int) throws(FlashError) {
    guard !isOff, !wornOut.contains(page) else { throw .eraseFailed }
    operations += 1
    calls.append(1)
    erasures[page] += 1
    guard operations != cutAt else {
      isOff = true
      // It had not begun, was under way, was done with part of the page, or with all of it.
      let stage = nextNoise() % 4
      let part = stage == 2 ? Int(nextNoise() % UInt64(pageSize)) : 0
      flash.disturb(page * pageSize + part..<(page + 1) * pageSize, writes: 0) { byte in
        stage == 0 ? byte : stage == 1 ? byte | UInt8(truncatingIfNeeded: nextNoise()) : 0xff
      }
      throw .eraseFailed
    }
    try flash.erase(page: page)
  }
}
