/// Up to eight packets in order. A value that an interrupt may change: nothing is allocated or counted.
struct PacketQueue: Sendable {
  static let capacity: UInt8 = 8

  private var packets = InlineArray<8, Packet>(repeating: Packet(buffer: 0, length: 0))
  private var head: UInt8 = 0
  private(set) var count: UInt8 = 0

  @inline(__always)
  var isEmpty: Bool { count == 0 }

  /// The oldest; nil if there is none.
  @inline(__always)
  var first: Packet? { count == 0 ? nil : packets[Int(head)] }

  /// The one after the oldest; nil if there is none.
  @inline(__always)
  var second: Packet? { count < 2 ? nil : packets[Int((head &+ 1) & 7)] }

  /// Appends a packet. There are fewer buffers of either kind than places, so that it always fits.
  @inline(__always)
  mutating func append(_ packet: Packet) {
    guard count < Self.capacity else { return }
    packets[Int((head &+ count) & 7)] = packet
    count &+= 1
  }

  /// Takes the oldest out.
  @inline(__always)
  mutating func removeFirst() -> Packet? {
    guard count > 0 else { return nil }
    let packet = packets[Int(head)]
    head = (head &+ 1) & 7
    count &-= 1
    return packet
  }

  mutating func removeAll() { count = 0 }
}
