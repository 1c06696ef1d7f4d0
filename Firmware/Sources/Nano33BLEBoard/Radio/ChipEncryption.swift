import BLELinkLayer
import CBoard
import Cryptography

/// AES by the chip's ECB, 7 µs a block. CCM and AAR, which would interrupt it, are never used.
struct ChipEncryption: BlockEncryption {
  /// Words of a block; key, clear text and cipher text lie one behind the other, first byte first.
  private static var block: Int { 4 }

  private let data: UnsafeMutablePointer<UInt32>

  init() {
    data = .allocate(capacity: 3 * Self.block)
    data.initialize(repeating: 0, count: 3 * Self.block)
  }

  private func store(_ block: Block128, at place: Int) {
    for i in 0..<Self.block { data[place * Self.block + i] = block.words[i].bigEndian }
  }

  mutating func use(key: Block128) { store(key, at: 0) }

  mutating func encrypt(_ first: inout Block128, _ second: inout Block128) {
    encrypt(&first)
    encrypt(&second)
  }

  @inline(never)
  private func encrypt(_ block: inout Block128) {
    ECB.ecbdataptr.value = UInt32(UInt(bitPattern: data))
    store(block, at: 1)
    repeat {
      ECB.eventsERRORECB.forget()
      // What was stored must be in memory before it is read.
      data_barrier()
      ECB.tasksSTARTECB.trigger()
      while !ECB.eventsENDECB.hasHappened, !ECB.eventsERRORECB.hasHappened {}
    } while !ECB.eventsENDECB.take()
    data_barrier()
    for i in 0..<Self.block { block.words[i] = UInt32(bigEndian: data[2 * Self.block + i]) }
  }
}
