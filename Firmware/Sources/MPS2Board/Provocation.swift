import CBoard
import LinkProtocol

/// A mishap that the command line asks for (`provoke=…`), to show what becomes of it. It happens once, shortly
/// after the first bytes came in, and not again after the reset that it led to.
struct Provocation {
  enum Mishap {
    case trap
    case stackOverflow
    case nullWrite
    /// Memory is asked for after the heap was sealed.
    case allocation
    /// The main loop stops, with interrupts disabled.
    case hang
    /// The main loop goes on without looking at the port.
    case deafness
  }

  private static var delay: UInt64 { .milliseconds(300) }
  private static var deafTime: UInt64 { .seconds(2) }

  private var mishap: Mishap?
  private var due: Timestamp?
  private var deafUntil: Timestamp?

  init(_ argument: Argument?) {
    var record = FaultRecord()
    guard let argument, !fault_kept(&record) else { return }
    if argument == "trap" { mishap = .trap }
    if argument == "stack" { mishap = .stackOverflow }
    if argument == "null" { mishap = .nullWrite }
    if argument == "allocate" { mishap = .allocation }
    if argument == "hang" { mishap = .hang }
    if argument == "deaf" { mishap = .deafness }
  }

  mutating func heard(now: Timestamp) {
    if mishap != nil, due == nil { due = now + Self.delay }
  }

  func letsReceive(now: Timestamp) -> Bool {
    guard let deafUntil else { return true }
    return now >= deafUntil
  }

  mutating func happen(now: Timestamp) {
    guard let due, due <= now, let mishap else { return }
    self.mishap = nil
    switch mishap {
    case .trap: Self.trap()
    case .stackOverflow: _ = Self.recurse(1)
    case .nullWrite: register_write(4, 1)
    case .allocation: Self.allocate()
    case .hang:
      interrupts_disable()
      while true { wait_for_interrupt() }
    case .deafness: deafUntil = now + Self.deafTime
    }
  }

  private static func trap() {
    // Read from memory, so that the compiler does not know it.
    let number = UInt8(truncatingIfNeeded: register_read(0) | 0xff)
    register_write(ExternalMemoryScratch.word, UInt32(number + 1))
  }

  private static func allocate() {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 8)
    register_write(ExternalMemoryScratch.word, UInt32(UInt(bitPattern: bytes)))
  }

  // Through volatile accesses, which the optimiser cannot turn into a loop.
  @inline(never)
  private static func recurse(_ depth: UInt32) -> UInt32 {
    withUnsafeTemporaryAllocation(byteCount: 64, alignment: 4) { bytes in
      let address = UInt32(UInt(bitPattern: bytes.baseAddress))
      register_write(address, depth)
      return depth == 0 ? 0 : recurse(depth &+ 1) &+ register_read(address)
    }
  }
}

/// A word that nothing reads.
private enum ExternalMemoryScratch {
  static var word: UInt32 { 0x2106_0000 }
}
