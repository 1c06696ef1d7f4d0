import BoardRuntime
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
    #expect(throws: FlashFileError.wrongSize(path: path, expected: 8192, actual: 16384)) {
      _ = try NORFlash(path: path, pageCount: 2)
    }
    #expect(throws: FlashFileError.self) { _ = try NORFlash(path: "/nowhere/flash", pageCount: 2) }
  }
}
