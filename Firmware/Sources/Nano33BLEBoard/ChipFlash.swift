public import BoardStorage
import CBoard
import CNano33BLE

/// The part of the chip's flash that is the board's storage, worked by the NVMC. The processor stands still while it
/// works: about 41 µs for a word, which the radio's interrupt can bear. The 85 ms that a page takes are cut into slices,
/// between which interrupts are taken: a host that waits 5 ms for an answer notices nothing. They are put between what the
/// radio does, as far as that leaves room.
public struct ChipFlash: BoardFlash {
  /// Milliseconds of a slice of an erasure, and slices that make a whole one, with some in reserve: the datasheet asks
  /// for 85 ms.
  private static var slice: UInt32 { 1 }
  private static var slices: Int { 90 }
  /// Microseconds of a slice, and what is around it.
  private static var stall: UInt32 { 1050 }
  /// Looks at the radio during an erasure, some microseconds each, after which it has to do without the processor.
  private static var patience: Int { 100_000 }

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
    Self.change(to: NVMC.Mode.wen)
    for i in stride(from: 0, to: words.count, by: 4) {
      var word: UInt32 = 0
      for byte in 0..<4 { word |= UInt32(words[i + byte]) << UInt32(8 * byte) }
      register_write(address(of: offset + i), word)
      Self.waitUntilReady()
    }
    Self.change(to: NVMC.Mode.ren)
    for i in 0..<words.count {
      guard memory[offset + i] == words[i] else { throw .writeFailed }
    }
  }

  /// Erases one page.
  public func erase(page: Int) throws(FlashError) {
    guard page >= 0, page < pageCount else { throw .outOfRange }
    NVMC.erasepagepartialcfg.value = Self.slice
    var patience = Self.patience
    for _ in 0..<Self.slices {
      while true {
        interrupts_disable()
        if BluetoothController.sparesProcessor(for: Self.stall) || patience == 0 { break }
        interrupts_enable()
        patience -= 1
      }
      Self.change(to: NVMC.Mode.een)
      NVMC.erasepagepartial.value = address(of: page * pageSize)
      Self.waitUntilReady()
      Self.change(to: NVMC.Mode.ren)
      interrupts_enable()
    }
    // A row of pages is no loop that hangs.
    Watchdog.feed()
    for i in page * pageSize..<(page + 1) * pageSize {
      guard memory[i] == 0xff else { throw .eraseFailed }
    }
  }

  private func address(of offset: Int) -> UInt32 {
    UInt32(UInt(bitPattern: memory.baseAddress)) + UInt32(offset)
  }

  private static func change(to mode: UInt32) {
    NVMC.config.value = mode
    waitUntilReady()
  }

  private static func waitUntilReady() {
    while NVMC.ready.value & 1 == 0 {}
  }
}
