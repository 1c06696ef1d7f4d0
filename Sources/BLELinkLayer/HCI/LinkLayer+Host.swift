public import Bytes

extension LinkLayer {
  /// Takes one packet of the host with its H4 type octet, whole: a command or data. Anything else is counted and dropped.
  public mutating func received(hciPacket packet: Span<UInt8>, now: RadioTime) {
    switch packet.octet(0) {
    case 1 where packet.count >= 4 && events.hasRoom:
      let opcode = packet.word(1)
      guard packet.count == 4 + Int(packet[3]) else {
        return report(.commandStatus(opcode, ErrorCode.invalidParameters))
      }
      execute(opcode, packet.extracting(4..<packet.count), now: now)
    case 2 where packet.count >= 5 && packet.count == 5 + Int(packet.word(3)):
      received(data: packet)
    default:
      counters.badHostPackets &+= 1
    }
  }

  private mutating func received(data packet: Span<UInt8>) {
    // Data for a connection that has just gone is nobody's fault.
    guard connection != nil, packet.word(1) & 0x0fff == Self.handle else { return }
    let isFirst = packet[2] >> 4 & 3 != 1
    if packet.count == 5 {
      completed += 1
    } else if !acl.append(packet.extracting(5..<packet.count), isFirst: isFirst) {
      counters.badHostPackets &+= 1
    }
  }

  /// Whether ``received(hciPacket:now:)`` would take a command, and data within what the host may send. It takes none while
  /// the host has not fetched the events that there are.
  public var takesPackets: Bool { mutating get { events.hasRoom } }

  /// Whether ``nextHCIPacket(into:)`` should be called: it may find nothing, but is not called in vain twice.
  public var hasHCIPacket: Bool {
    mutating get { !events.isEmpty || !delivery.isEmpty || completed > 0 || lost != nil }
  }

  /// Writes the next packet for the host, H4 type octet first: what happened before what came after it.
  ///
  /// - Parameter packet: holds ``packetCapacity`` octets at least.
  /// - Returns: false if there is none.
  public mutating func nextHCIPacket(into packet: inout BoundedBytes) -> Bool {
    packet.removeAll()
    if events.take(into: &packet) { return true }
    if let data = delivery.removeFirst() {
      writeData(data, into: &packet)
      released.append(data)
      return true
    }
    if completed > 0 {
      var event = EventWriter(0x13, maskBit: nil)
      event.append(1)
      event.append(UInt64(Self.handle), width: 2)
      event.append(UInt64(completed), width: 2)
      completed = 0
      return write(event, into: &packet)
    }
    if let reason = lost {
      lost = nil
      guard masks.allow(EventWriter(0x05, maskBit: 4)) else { return false }
      var event = EventWriter(0x05, maskBit: 4)
      event.append(ErrorCode.success)
      event.append(UInt64(Self.handle), width: 2)
      event.append(reason)
      return write(event, into: &packet)
    }
    return false
  }

  private mutating func write(_ event: EventWriter, into packet: inout BoundedBytes) -> Bool {
    for i in 0..<event.count { packet.append(event.octets[i]) }
    return true
  }

  // Mutating, as what only borrows so large a value copies it to the stack first.
  private mutating func writeData(_ data: Packet, into packet: inout BoundedBytes) {
    let payload = memory.payload(of: data.buffer)
    packet.append(2)
    // The packet boundary flag: 2 begins a PDU, 1 goes on with it.
    packet.append(littleEndian: UInt64(Self.handle | (data.kind == 2 ? 2 : 1) << 12), width: 2)
    packet.append(littleEndian: UInt64(payload.count), width: 2)
    packet.append(contentsOf: payload)
  }
}
