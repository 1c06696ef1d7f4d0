public import BoardStorage
import CBoard
import CNano33BLE

/// The part of the chip's flash that is the board's storage, worked by the NVMC. The processor stands still while it
/// works: about 41 µs for a word, 85 ms for a page. The serial port's DMA goes on meanwhile.
public struct ChipFlash: BoardFlash {
  private static var controller: Peripheral { Peripheral(base: 0x4001_e000) }

  private enum Register {
    static var ready: UInt32 { 0x400 }
    static var mode: UInt32 { 0x504 }
    static var erasePage: UInt32 { 0x508 }
  }
  private enum Mode {
    static var read: UInt32 { 0 }
    static var write: UInt32 { 1 }
    static var erase: UInt32 { 2 }
  }

  /// Bytes a page.
  public let pageSize = 4096
  /// Number of pages.
  public let pageCount: Int

  private let memory: UnsafeRawBufferPointer

  /// Lets the processor write to this part of flash, as it does to have a word programmed.
  init() {
    memory = UnsafeRawBufferPointer(start: storage_start(), count: Int(storage_bytes()))
    pageCount = memory.count / 4096
    memory_let_write(UInt32(UInt(bitPattern: storage_start())), storage_bytes())
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
    Self.change(to: Mode.write)
    for i in stride(from: 0, to: words.count, by: 4) {
      var word: UInt32 = 0
      for byte in 0..<4 { word |= UInt32(words[i + byte]) << UInt32(8 * byte) }
      register_write(address(of: offset + i), word)
      Self.waitUntilReady()
    }
    Self.change(to: Mode.read)
    for i in 0..<words.count {
      guard memory[offset + i] == words[i] else { throw .writeFailed }
    }
  }

  /// Erases one page.
  public func erase(page: Int) throws(FlashError) {
    guard page >= 0, page < pageCount else { throw .outOfRange }
    Self.change(to: Mode.erase)
    Self.controller.write(Register.erasePage, address(of: page * pageSize))
    Self.waitUntilReady()
    Self.change(to: Mode.read)
    for i in page * pageSize..<(page + 1) * pageSize {
      guard memory[i] == 0xff else { throw .eraseFailed }
    }
  }

  private func address(of offset: Int) -> UInt32 {
    UInt32(UInt(bitPattern: memory.baseAddress)) + UInt32(offset)
  }

  private static func change(to mode: UInt32) {
    controller.write(Register.mode, mode)
    waitUntilReady()
  }

  private static func waitUntilReady() {
    while controller.read(Register.ready) & 1 == 0 {}
  }
}
