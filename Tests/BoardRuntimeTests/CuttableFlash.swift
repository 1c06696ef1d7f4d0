import BoardRuntime
import BoardStorage
import LinkProtocol
import VirtualHardware

/// NOR flash whose power can be cut at any operation: that operation is done halfway, and nothing works until
/// power is back.
final class CuttableFlash: BoardFlash {
  private let flash = NORFlash(pageCount: 8)
  private(set) var operations = 0
  /// The operation at which power goes; nil for never.
  var cutAt: Int?
  private(set) var isOff = false

  var pageSize: Int { flash.pageSize }
  var pageCount: Int { flash.pageCount }

  func powerUp() {
    isOff = false
    cutAt = nil
  }

  /// Counts an operation that changes flash; whether power goes in the middle of it.
  private func isCut() -> Bool {
    operations += 1
    if operations == cutAt { isOff = true }
    return isOff
  }

  func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(FlashError) {
    guard !isOff else { throw .outOfRange }
    try flash.read(at: offset, into: &destination)
  }

  func write(_ words: Span<UInt8>, at offset: Int) throws(FlashError) {
    guard !isOff else { throw .writeFailed }
    guard isCut() else { return try flash.write(words, at: offset) }
    try flash.write(words.extracting(0..<words.count / 8 * 4), at: offset)
    throw .writeFailed
  }

  func erase(page: Int) throws(FlashError) {
    guard !isOff else { throw .eraseFailed }
    guard isCut() else { return try flash.erase(page: page) }
    // Half of the page is erased, the rest is as it was.
    var half = [UInt8](repeating: 0, count: pageSize / 2)
    var span = half.mutableSpan
    try flash.read(at: page * pageSize + pageSize / 2, into: &span)
    try flash.erase(page: page)
    try flash.write(half.span, at: page * pageSize + pageSize / 2)
    throw .eraseFailed
  }
}

/// Hardware for tests.
struct TestHardware: BoardHardware {
  var flash: CuttableFlash
  var examples: DatasetExamples
  var phases: [BoardPhase] = []

  mutating func randomWord() -> UInt32 { 4 }
  mutating func indicate(_ phase: BoardPhase) { phases.append(phase) }
}
