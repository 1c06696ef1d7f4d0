/// Why a flash operation failed.
public enum FlashError: Error, Sendable, Equatable {
  /// Beyond the end of the region.
  case outOfRange
  /// Not on a word boundary, or not whole words.
  case misaligned
  /// The words did not take the value: worn out, or not erased before.
  case writeFailed
  /// The page did not become erased.
  case eraseFailed
}

/// The part of flash that belongs to the board's storage, addressed from 0. NOR rules hold: an erase sets all
/// bits of a page, a write can only clear bits, and a word may be written twice at most between erases.
public protocol BoardFlash {
  /// Bytes a page, the unit of erasing; a power of two.
  var pageSize: Int { get }
  /// Number of pages.
  var pageCount: Int { get }

  /// Copies `destination.count` bytes from `offset` on.
  mutating func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(FlashError)

  /// Writes whole words of 4 bytes, one after the other; `offset` is a multiple of 4.
  mutating func write(_ words: Span<UInt8>, at offset: Int) throws(FlashError)

  /// Erases one page.
  mutating func erase(page: Int) throws(FlashError)
}
