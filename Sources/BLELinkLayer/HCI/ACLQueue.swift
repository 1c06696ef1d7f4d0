/// ACL packets of the host that are not, or not wholly, on their way.
struct ACLQueue {
  /// How many the host may send before it is told that some are gone.
  static let count = 4
  /// Most octets of one, header not counted.
  static let length = Int(DataLengths.longest)

  private struct Entry {
    var length = 0
    var isFirst = false
  }

  /// A piece of a packet that fits into one of the air.
  struct Fragment {
    var count: Int
    var isFirst: Bool
    var isLast: Bool
  }

  private var storage = [UInt8](repeating: 0, count: count * length)
  private var entries = InlineArray<4, Entry>(repeating: Entry())
  private var head = 0
  private var held = 0
  private var offset = 0

  var isEmpty: Bool { held == 0 }

  mutating func removeAll() {
    held = 0
    offset = 0
  }

  /// - Returns: false if the packet is too long, or one too many.
  mutating func append(_ data: Span<UInt8>, isFirst: Bool) -> Bool {
    guard held < Self.count, data.count > 0, data.count <= Self.length else { return false }
    let slot = (head + held) % Self.count
    for i in 0..<data.count { storage[slot * Self.length + i] = data[i] }
    entries[slot] = Entry(length: data.count, isFirst: isFirst)
    held += 1
    return true
  }

  /// Copies the next piece behind the header of a packet. There is one.
  mutating func take(limit: Int, into buffer: UInt8, of memory: borrowing PacketMemory) -> Fragment {
    var room = memory.room(of: buffer)
    let entry = entries[head]
    let count = min(limit, entry.length - offset)
    for i in 0..<count { room[2 + i] = storage[head * Self.length + offset + i] }
    let isFirst = entry.isFirst && offset == 0
    offset += count
    let isLast = offset == entry.length
    if isLast {
      head = (head + 1) % Self.count
      held -= 1
      offset = 0
    }
    return Fragment(count: count, isFirst: isFirst, isLast: isLast)
  }
}
