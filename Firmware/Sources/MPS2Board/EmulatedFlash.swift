public import BoardStorage

/// The board's flash: a region of the machine's memory, and a file of the host to which every write and every
/// erase goes at once. So ending QEMU at any moment is a power cut, and the file what a chip would hold.
///
/// NOR rules as on the nRF52840: pages of 4 KB erase to ones, writes only clear bits, two writes a word between
/// erases. What breaks a rule fails.
public struct EmulatedFlash: BoardFlash {
  /// Bytes a page.
  public let pageSize = 4096
  /// Number of pages: the 512 KB that the virtual board has too.
  public let pageCount = 128

  private let memory = UnsafeMutableRawBufferPointer(
    start: UnsafeMutableRawPointer(bitPattern: ExternalMemory.flash), count: 128 * 4096)
  private let writesOfWord = UnsafeMutableBufferPointer(
    start: UnsafeMutablePointer<UInt8>(bitPattern: ExternalMemory.flashWear), count: 128 * 1024)
  private let file: HostFile

  enum Failure: Error {
    /// The file cannot be opened or made.
    case cannotOpen
    /// It is longer than this flash: some other file.
    case wrongSize
    /// It cannot be written.
    case cannotWrite
  }

  /// Reads the file, which is made if there is none. What a file lacks at its end is erased flash: its first
  /// start was cut short.
  init(path: UnsafePointer<UInt8>, length: Int) throws(Failure) {
    guard
      let file = HostFile(path: path, length: length, mode: .update)
        ?? HostFile(path: path, length: length, mode: .create)
    else { throw .cannotOpen }
    self.file = file
    guard let base = memory.baseAddress, let size = file.length, size <= memory.count else {
      throw .wrongSize
    }
    let count = file.read(into: base, count: size)
    for i in count..<memory.count { memory[i] = 0xff }
    for i in 0..<writesOfWord.count { writesOfWord[i] = 0 }
    if count < memory.count, !file.write(base, count: memory.count, at: 0) { throw .cannotWrite }
  }

  private func save(_ range: Range<Int>) -> Bool {
    guard let base = memory.baseAddress else { return false }
    return file.write(base + range.lowerBound, count: range.count, at: range.lowerBound)
  }

  /// Copies `destination.count` bytes from `offset` on.
  public func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(FlashError) {
    guard offset >= 0, offset <= memory.count - destination.count else { throw .outOfRange }
    for i in 0..<destination.count { destination[i] = memory[offset + i] }
  }

  /// Writes whole words.
  public func write(_ words: Span<UInt8>, at offset: Int) throws(FlashError) {
    guard offset >= 0, offset <= memory.count - words.count else { throw .outOfRange }
    guard offset & 3 == 0, words.count & 3 == 0 else { throw .misaligned }
    let first = offset / 4
    for word in first..<first + words.count / 4 {
      guard writesOfWord[word] < 2 else { throw .writeFailed }
      writesOfWord[word] += 1
    }
    var took = true
    for i in 0..<words.count {
      memory[offset + i] &= words[i]
      if memory[offset + i] != words[i] { took = false }
    }
    guard save(offset..<offset + words.count), took else { throw .writeFailed }
  }

  /// Erases one page.
  public func erase(page: Int) throws(FlashError) {
    guard page >= 0, page < pageCount else { throw .outOfRange }
    let range = page * pageSize..<(page + 1) * pageSize
    for i in range { memory[i] = 0xff }
    for word in range.lowerBound / 4..<range.upperBound / 4 { writesOfWord[word] = 0 }
    guard save(range) else { throw .eraseFailed }
  }
}
