/// The pieces an object is cut into from the byte at which a transfer begins: all of one size but the last.
struct ChunkGrid {
  /// First byte that is transferred.
  let start: Int
  /// Length of the object.
  let end: Int
  /// Bytes a chunk, at least 1.
  let chunk: Int

  /// Number of chunks.
  var count: Int { (end - start + chunk - 1) / chunk }

  /// First byte of chunk `index`.
  func offset(of index: Int) -> Int { start + index * chunk }

  /// Bytes in chunk `index`.
  func length(of index: Int) -> Int { min(chunk, end - offset(of: index)) }

  /// The byte after the first `chunks` chunks.
  func boundary(after chunks: Int) -> Int { min(start + chunks * chunk, end) }

  /// The chunk that begins at `offset`; nil if none does.
  func index(at offset: Int) -> Int? {
    guard offset >= start, offset < end, (offset - start) % chunk == 0 else { return nil }
    return (offset - start) / chunk
  }
}
