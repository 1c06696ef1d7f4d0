import BoardStorage
import Foundation
import Testing

@testable import VirtualHardware

@Suite struct NORFlashTests {
  static func read(_ flash: NORFlash, _ offset: Int, _ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try flash.read(at: offset, into: &span)
    return bytes
  }

  @Test func aWordTakesTwoWritesThatOnlyClearBits() throws {
    let flash = NORFlash(pageCount: 2)
    let first: [UInt8] = [0xf0, 0xff, 0xff, 0xff]
    let second: [UInt8] = [0x00, 0xff, 0x0f, 0xff]
    try flash.write(first.span, at: 8)
    try flash.write(second.span, at: 8)
    #expect(try Self.read(flash, 8, 4) == second)
    #expect(throws: FlashError.writeFailed) { try flash.write(second.span, at: 8) }
    try flash.erase(page: 0)
    #expect(try Self.read(flash, 8, 4) == [0xff, 0xff, 0xff, 0xff])
    try flash.write(first.span, at: 8)
  }

  @Test func aBitThatIsClearedDoesNotComeBack() throws {
    let flash = NORFlash(pageCount: 1)
    let cleared: [UInt8] = [0, 0, 0, 0]
    let set: [UInt8] = [1, 0, 0, 0]
    try flash.write(cleared.span, at: 0)
    #expect(throws: FlashError.writeFailed) { try flash.write(set.span, at: 0) }
  }

  @Test func whatIsOutOfPlaceIsRefused() {
    let flash = NORFlash(pageCount: 1)
    let word: [UInt8] = [0, 0, 0, 0]
    let odd: [UInt8] = [0, 0, 0]
    #expect(throws: FlashError.outOfRange) { try flash.write(word.span, at: 4096) }
    #expect(throws: FlashError.outOfRange) { try flash.write(word.span, at: -4) }
    #expect(throws: FlashError.misaligned) { try flash.write(word.span, at: 2) }
    #expect(throws: FlashError.misaligned) { try flash.write(odd.span, at: 0) }
    #expect(throws: FlashError.outOfRange) { try flash.erase(page: 1) }
  }

  @Test func whatWasWrittenIsThereWhenTheFileIsMappedAgain() throws {
    let path = NSTemporaryDirectory() + "flash-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let word: [UInt8] = [1, 2, 3, 4]
    do {
      let flash = try NORFlash(path: path, pageCount: 4)
      try flash.write(word.span, at: 4096)
    }
    #expect(try Self.read(try NORFlash(path: path, pageCount: 4), 4096, 4) == word)
    #expect(throws: FlashFileError.wrongSize(path: path, expected: 10_240, actual: 20_480)) {
      _ = try NORFlash(path: path, pageCount: 2)
    }
    #expect(throws: FlashFileError.self) { _ = try NORFlash(path: "/nowhere/flash", pageCount: 2) }
  }
  @Test func theNextProcessIsBoundByWhatTheLastOneWrote() throws {
    let path = NSTemporaryDirectory() + "flash-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let word: [UInt8] = [1, 2, 3, 4]
    for _ in 0..<2 {
      let flash = try NORFlash(path: path, pageCount: 4)
      try flash.write(word.span, at: 8)
    }
    let flash = try NORFlash(path: path, pageCount: 4)
    #expect(throws: FlashError.writeFailed) { try flash.write(word.span, at: 8) }
    try flash.erase(page: 0)
    try flash.write(word.span, at: 8)
  }

  @Test func aFileOfPagesOnlyIsEnlarged() throws {
    let path = NSTemporaryDirectory() + "flash-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data([1, 2, 3, 4] + [UInt8](repeating: 0xff, count: 4092)).write(to: URL(fileURLWithPath: path))
    let flash = try NORFlash(path: path, pageCount: 2)
    #expect(try Self.read(flash, 0, 4) == [1, 2, 3, 4])
    #expect(try Self.read(flash, 4096, 2) == [0xff, 0xff])
    // What the word holds was written once at least.
    let zero: [UInt8] = [0, 0, 0, 0]
    try flash.write(zero.span, at: 0)
    #expect(throws: FlashError.writeFailed) { try flash.write(zero.span, at: 0) }
  }

  @Test func aCutLeavesTheWordsBeforeItWholeAndThoseAfterItAlone() throws {
    for seed in 0..<100 as Range<UInt64> {
      let flash = CuttableNORFlash(pageCount: 1, seed: seed)
      flash.cutAt = 2
      let words: [UInt8] = [1, 2, 3, 4, 0x0f, 0x0f, 0x0f, 0x0f, 5, 6, 7, 8]
      #expect(throws: FlashError.writeFailed) { try flash.write(words.span, at: 0) }
      #expect(flash.isOff)
      #expect(throws: FlashError.self) { try flash.erase(page: 0) }
      flash.powerUp()
      var bytes = [UInt8](repeating: 0, count: 12)
      var span = bytes.mutableSpan
      try flash.read(at: 0, into: &span)
      #expect(bytes[..<4] == [1, 2, 3, 4] && bytes[8...] == [0xff, 0xff, 0xff, 0xff], "seed \(seed)")
      for byte in bytes[4..<8] { #expect(byte & 0x0f == 0x0f, "seed \(seed)") }
    }
  }

  @Test func aPageWhoseErasingWasCutHasToBeErasedAgain() throws {
    for seed in 0..<20 as Range<UInt64> {
      let flash = CuttableNORFlash(pageCount: 1, seed: seed)
      let word: [UInt8] = [0, 0, 0, 0]
      try flash.write(word.span, at: 0)
      try flash.write(word.span, at: 0)
      flash.cutAt = flash.operations + 1
      #expect(throws: FlashError.eraseFailed) { try flash.erase(page: 0) }
      flash.powerUp()
      #expect(throws: FlashError.writeFailed) { try flash.write(word.span, at: 0) }
      try flash.erase(page: 0)
      try flash.write(word.span, at: 0)
    }
  }
}
