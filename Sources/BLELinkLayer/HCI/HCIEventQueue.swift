import Bytes

/// Events that wait for the host, in a ring of bytes.
struct HCIEventQueue {
  private static let capacity = 384
  private var storage = [UInt8](repeating: 0, count: capacity)
  private var head = 0
  private var count = 0

  /// Whether the longest event fits twice: what came from the air, and the answer to a command.
  var hasRoom: Bool { Self.capacity - count >= 2 * EventWriter.capacity }

  var isEmpty: Bool { count == 0 }

  mutating func removeAll() { count = 0 }

  /// - Returns: false if there is no room, and the event is lost.
  mutating func append(_ event: EventWriter) -> Bool {
    guard event.count <= Self.capacity - count else { return false }
    for i in 0..<event.count { storage[(head + count + i) % Self.capacity] = event.octets[i] }
    count += event.count
    return true
  }

  /// Takes the oldest out; false if there is none.
  mutating func take(into packet: inout BoundedBytes) -> Bool {
    guard count > 0 else { return false }
    let length = 3 + Int(storage[(head + 2) % Self.capacity])
    for i in 0..<length { packet.append(storage[(head + i) % Self.capacity]) }
    head = (head + length) % Self.capacity
    count -= length
    return true
  }
}
