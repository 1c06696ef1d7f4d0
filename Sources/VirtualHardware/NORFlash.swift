public import BoardStorage
import Glibc

/// Why a state file cannot serve as flash.
public enum FlashFileError: Error, CustomStringConvertible, Equatable {
  /// It cannot be opened or created.
  case cannotOpen(path: String, reason: String)
  /// It has another size than a flash of this kind: it is some other file, or of another version.
  case wrongSize(path: String, expected: Int, actual: Int)

  /// Cause and remedy.
  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason):
      return "state file \(path): \(reason); check the directory and its permissions"
    case .wrongSize(let path, let expected, let actual):
      return
        "state file \(path) has \(actual) bytes and not \(expected): it is no flash of this board; name another file or delete it"
    }
  }
}

/// NOR flash as an nRF52840 has it, kept in a file: pages of 4 KB that erase to ones, words that writes can
/// only clear, two writes a word at most between erases. What breaks a rule fails, as it would on the chip.
///
/// The file is mapped, so that killing the process is a power cut: what was written stays. Behind the pages it holds a
/// byte for each word, how often that was written, so that a process that follows is bound by the rules too. Without
/// a file it lasts as long as this object, which a simulated board that is reset keeps.
public final class NORFlash: BoardFlash {
  /// Bytes a page.
  public let pageSize = 4096
  /// Number of pages.
  public let pageCount: Int

  private let memory: UnsafeMutableRawBufferPointer
  /// How often each word was written since its page was erased; in the mapping behind the pages.
  private let writesOfWord: UnsafeMutableRawBufferPointer
  /// Everything that is mapped or allocated.
  private let whole: UnsafeMutableRawBufferPointer
  private let isMapped: Bool

  /// Maps the file at `path`, which is made, erased, if there is none. A file of pages only, as earlier versions made
  /// them, of this size or a smaller one, is taken and enlarged.
  public init(path: String, pageCount: Int) throws(FlashFileError) {
    self.pageCount = pageCount
    let pagesSize = pageSize * pageCount
    let size = pagesSize + pagesSize / 4
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .cannotOpen(path: path, reason: Self.lastError()) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .cannotOpen(path: path, reason: Self.lastError())
    }
    let length = Int(status.st_size)
    let hasCounts = length == size
    guard hasCounts || (length <= pagesSize && length % pageSize == 0) else {
      throw .wrongSize(path: path, expected: size, actual: length)
    }
    // Reserves the blocks, so that a full disk shows here and not as a SIGBUS later.
    if !hasCounts, posix_fallocate(descriptor, 0, off_t(size)) != 0 {
      ftruncate(descriptor, off_t(length))
      throw .cannotOpen(path: path, reason: "no room for \(size) bytes")
    }
    guard let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      address != MAP_FAILED
    else { throw .cannotOpen(path: path, reason: Self.lastError()) }
    whole = UnsafeMutableRawBufferPointer(start: address, count: size)
    memory = UnsafeMutableRawBufferPointer(rebasing: whole[..<pagesSize])
    writesOfWord = UnsafeMutableRawBufferPointer(rebasing: whole[pagesSize...])
    isMapped = true
    guard !hasCounts else { return }
    for i in length..<pagesSize { memory[i] = 0xff }
    for word in 0..<length / 4 {
      writesOfWord[word] = memory.loadUnaligned(fromByteOffset: 4 * word, as: UInt32.self) == .max ? 0 : 1
    }
  }

  /// Flash that is erased and in memory only.
  public init(pageCount: Int) {
    self.pageCount = pageCount
    let pagesSize = pageSize * pageCount
    whole = .allocate(byteCount: pagesSize + pagesSize / 4, alignment: 4)
    memory = UnsafeMutableRawBufferPointer(rebasing: whole[..<pagesSize])
    writesOfWord = UnsafeMutableRawBufferPointer(rebasing: whole[pagesSize...])
    memory.initializeMemory(as: UInt8.self, repeating: 0xff)
    writesOfWord.initializeMemory(as: UInt8.self, repeating: 0)
    isMapped = false
  }

  deinit {
    guard isMapped else { return whole.deallocate() }
    munmap(whole.baseAddress, whole.count)
  }

  private static func lastError() -> String { String(cString: strerror(errno)) }

  /// Copies `destination.count` bytes from `offset` on.
  public func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(FlashError) {
    guard offset >= 0, offset + destination.count <= memory.count else { throw .outOfRange }
    for i in 0..<destination.count { destination[i] = memory[offset + i] }
  }

  /// Writes whole words.
  public func write(_ words: Span<UInt8>, at offset: Int) throws(FlashError) {
    guard offset >= 0, offset + words.count <= memory.count else { throw .outOfRange }
    guard offset & 3 == 0, words.count & 3 == 0 else { throw .misaligned }
    for word in 0..<words.count / 4 {
      guard writesOfWord[offset / 4 + word] < 2 else { throw .writeFailed }
      writesOfWord[offset / 4 + word] += 1
    }
    for i in 0..<words.count {
      // A bit that is 0 stays 0, whatever is written: the caller sees it when it reads back.
      memory[offset + i] &= words[i]
      guard memory[offset + i] == words[i] else { throw .writeFailed }
    }
  }

  /// Erases one page.
  public func erase(page: Int) throws(FlashError) {
    guard page >= 0, page < pageCount else { throw .outOfRange }
    for i in page * pageSize..<(page + 1) * pageSize { memory[i] = 0xff }
    for word in page * pageSize / 4..<(page + 1) * pageSize / 4 { writesOfWord[word] = 0 }
  }
  /// Flash in memory with what another one holds.
  init(copying other: NORFlash) {
    pageCount = other.pageCount
    whole = .allocate(byteCount: pageSize * pageCount / 4 * 5, alignment: 4)
    memory = UnsafeMutableRawBufferPointer(rebasing: whole[..<(pageSize * pageCount)])
    writesOfWord = UnsafeMutableRawBufferPointer(rebasing: whole[(pageSize * pageCount)...])
    isMapped = false
    whole.copyMemory(from: UnsafeRawBufferPointer(other.whole))
  }

  /// Replaces bytes without regard to any rule, as an operation does in the middle of which power goes.
  ///
  /// - Parameter writes: how many writes it counts as.
  func disturb(_ range: Range<Int>, writes: UInt8, _ noise: (_ byte: UInt8) -> UInt8) {
    for i in range { memory[i] = noise(memory[i]) }
    for word in range.lowerBound / 4..<(range.upperBound + 3) / 4 { writesOfWord[word] += writes }
  }
}
