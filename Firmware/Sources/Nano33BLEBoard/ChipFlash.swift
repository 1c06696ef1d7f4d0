public import BoardStorage
import CBoard
import CNano33BLE

/// The part of the chip's flash that is the board's storage, worked by the NVMC. The processor stands still while it
/// works: about 41 µs for a word, which the radio's interrupt can bear. The 85 ms that a page takes are cut into slices,
/// between which interrupts are taken: a host that waits 5 ms for an answer notices nothing. They are put between what the
/// radio does, as far as that leaves room.
public struct ChipFlash: BoardFlash {
  /// Milliseconds that erasing a page takes, with some in reserve: the datasheet asks for 85 ms.
  private static var erasure: UInt32 { 90 }
  /// Milliseconds of a slice of it.
  private static var longSlice: UInt32 { 5 }
  private static var shortSlice: UInt32 { 1 }
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
    var left = Self.erasure
    var patience = Self.patience
    while left > 0 {
      interrupts_disable()
      let slice = Self.slice(isPatient: patience > 0)
      if slice > 0 {
        NVMC.erasepagepartialcfg.value = slice
        Self.change(to: NVMC.Mode.een)
        NVMC.erasepagepartial.value = address(of: page * pageSize)
        Self.waitUntilReady()
        Self.change(to: NVMC.Mode.ren)
        left -= min(left, slice)
      } else {
        patience -= 1
      }
      interrupts_enable()
    }
    // A row of pages is no loop that hangs.
    Watchdog.feed()
    for i in page * pageSize..<(page + 1) * pageSize {
      guard memory[i] == 0xff else { throw .eraseFailed }
    }
  }

  /// How many milliseconds the processor may stand still now; 0 if the radio needs it.
  private static func slice(isPatient: Bool) -> UInt32 {
    // With what is around a slice, in µs.
    if BluetoothController.sparesProcessor(for: longSlice * 1000 + 50) { return longSlice }
    if BluetoothController.sparesProcessor(for: shortSlice * 1000 + 50) || !isPatient { return shortSlice }
    return 0
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
