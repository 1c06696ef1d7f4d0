import Synchronization

/// Bytes between an interrupt handler and the main loop: one side puts, the other takes, without a lock.
///
/// Lives in a global, as the interrupt handler has to find it, and is of no use until it has memory. Nothing is
/// `mutating`: both sides only read its fields, and the atomics carry the news.
public struct ByteRing: ~Copyable {
  private var memory: UnsafeMutablePointer<UInt8>?
  private var mask: UInt32 = 0
  private let putCount = Atomic<UInt32>(0)
  private let takenCount = Atomic<UInt32>(0)
  private let lostCount = Atomic<UInt32>(0)

  /// A ring without memory.
  public init() {}

  /// Allocates memory: before interrupts are enabled, and once.
  ///
  /// - Parameter capacity: bytes; a power of two.
  public mutating func allocate(capacity: Int) {
    precondition(capacity.nonzeroBitCount == 1)
    memory = .allocate(capacity: capacity)
    mask = UInt32(capacity) - 1
  }

  /// Whether there is nothing to take.
  public var isEmpty: Bool { count == 0 }

  /// Whether a byte that is put now is lost.
  public var isFull: Bool { count > mask }

  /// Bytes that found no room.
  public var lost: UInt32 { lostCount.load(ordering: .relaxed) }

  private var count: UInt32 {
    putCount.load(ordering: .acquiring) &- takenCount.load(ordering: .acquiring)
  }

  /// Puts a byte.
  ///
  /// - Returns: false if there is no room.
  public func put(_ byte: UInt8) -> Bool {
    let put = putCount.load(ordering: .relaxed)
    guard let memory, put &- takenCount.load(ordering: .acquiring) <= mask else { return false }
    memory[Int(put & mask)] = byte
    putCount.store(put &+ 1, ordering: .releasing)
    return true
  }

  /// Puts a byte, or counts it as lost.
  public func putOrLose(_ byte: UInt8) {
    if !put(byte) { lose(1) }
  }

  /// Counts bytes that never got here.
  public func lose(_ count: UInt32) {
    lostCount.store(lostCount.load(ordering: .relaxed) &+ count, ordering: .relaxed)
  }

  /// Takes the oldest byte.
  public func take() -> UInt8? {
    let taken = takenCount.load(ordering: .relaxed)
    guard let memory, taken != putCount.load(ordering: .acquiring) else { return nil }
    let byte = memory[Int(taken & mask)]
    takenCount.store(taken &+ 1, ordering: .releasing)
    return byte
  }

  /// The oldest bytes that lie next to each other, to be sent by DMA and then dropped.
  public var oldest: UnsafeBufferPointer<UInt8> {
    let taken = takenCount.load(ordering: .relaxed)
    let start = taken & mask
    let count = min(putCount.load(ordering: .acquiring) &- taken, mask &+ 1 &- start)
    return UnsafeBufferPointer(start: memory.map { $0 + Int(start) }, count: Int(count))
  }

  /// Takes the `count` oldest bytes, which are there.
  public func drop(_ count: UInt32) {
    takenCount.store(takenCount.load(ordering: .relaxed) &+ count, ordering: .releasing)
  }
}
