public import BoardRuntime
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
/// The file is mapped, so that killing the process is a power cut: what was written stays. Without a file it
/// lasts as long as this object, which a simulated board that is reset keeps.
public final class NORFlash: BoardFlash {
  /// Bytes a page.
  public let pageSize = 4096
  /// Number of pages.
  public let pageCount: Int

  private let memory: UnsafeMutableRawBufferPointer
  private let isMapped: Bool
  private var writesOfWord: [UInt8]

  /// Maps the file at `path`, which is made, erased, if there is none.
  public init(path: String, pageCount: Int) throws(FlashFileError) {
    self.pageCount = pageCount
    let size = pageSize * pageCount
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .cannotOpen(path: path, reason: Self.lastError()) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .cannotOpen(path: path, reason: Self.lastError())
    }
    let isNew = status.st_size == 0
    guard isNew || status.st_size == size else {
      throw .wrongSize(path: path, expected: size, actual: Int(status.st_size))
    }
    // Reserves the blocks, so that a full disk shows here and not as a SIGBUS later.
    if isNew, posix_fallocate(descriptor, 0, off_t(size)) != 0 {
      throw .cannotOpen(path: path, reason: "no room for \(size) bytes")
    }
    guard let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      address != MAP_FAILED
    else { throw .cannotOpen(path: path, reason: Self.lastError()) }
    memory = UnsafeMutableRawBufferPointer(start: address, count: size)
    if isNew { memset(address, 0xff, size) }
    isMapped = true
    writesOfWord = [UInt8](repeating: 0, count: size / 4)
  }

  /// Flash that is erased and in memory only.
  public init(pageCount: Int) {
    self.pageCount = pageCount
    memory = .allocate(byteCount: pageSize * pageCount, alignment: 4)
    memory.initializeMemory(as: UInt8.self, repeating: 0xff)
    isMapped = false
    writesOfWord = [UInt8](repeating: 0, count: pageSize * pageCount / 4)
  }

  deinit {
    guard isMapped else { return memory.deallocate() }
    munmap(memory.baseAddress, memory.count)
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
}
