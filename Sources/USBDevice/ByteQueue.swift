/// Bytes between host and owner, in memory of a fixed size.
struct ByteQueue: ~Copyable {
  private let memory: UnsafeMutableRawPointer
  private let mask: Int
  private var first = 0
  private(set) var count = 0

  /// - Parameter capacity: bytes; a power of two.
  init(capacity: Int) {
    precondition(capacity.nonzeroBitCount == 1)
    memory = .allocate(byteCount: capacity, alignment: 4)
    mask = capacity - 1
  }

  deinit { memory.deallocate() }

  var room: Int { mask + 1 - count }

  mutating func removeAll() { count = 0 }

  /// Takes bytes from the beginning of `bytes`; how many.
  mutating func append(_ bytes: Span<UInt8>) -> Int {
    let taken = min(bytes.count, room)
    let start = (first + count) & mask
    let beforeWrap = min(taken, mask + 1 - start)
    bytes.withUnsafeBytes { source in
      guard let source = source.baseAddress else { return }
      (memory + start).copyMemory(from: source, byteCount: beforeWrap)
      memory.copyMemory(from: source + beforeWrap, byteCount: taken - beforeWrap)
    }
    count += taken
    return taken
  }

  /// Copies up to `most` of the oldest bytes to the beginning of `room`; how many.
  func copy(into room: inout MutableSpan<UInt8>, atMost most: Int) -> Int {
    let copied = min(most, room.count, count)
    let beforeWrap = min(copied, mask + 1 - first)
    room.withUnsafeMutableBytes { room in
      guard let room = room.baseAddress else { return }
      room.copyMemory(from: memory + first, byteCount: beforeWrap)
      (room + beforeWrap).copyMemory(from: memory, byteCount: copied - beforeWrap)
    }
    return copied
  }

  /// Forgets the oldest bytes.
  mutating func drop(_ dropped: Int) {
    let dropped = min(dropped, count)
    first = (first + dropped) & mask
    count -= dropped
  }
}
