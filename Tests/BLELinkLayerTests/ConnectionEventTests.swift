import Testing

@testable import BLELinkLayer

/// What the radio's interrupt decides, packet by packet.
struct ConnectionEventTests {
  private static func event(interval: UInt32 = 30_000) -> ConnectionEvent {
    var event = ConnectionEvent()
    event.reset()
    event.begin(deadline: RadioTime(microseconds: interval), transmitPHY: .oneMegabit)
    return event
  }

  private static func receive(
    _ event: inout ConnectionEvent, _ header: UInt8, length: UInt8 = 0, isIntact: Bool = true,
    at start: UInt32 = 100
  ) -> Turn {
    event.received(
      header: UInt16(header) | UInt16(length) << 8, isIntact: isIntact, from: RadioTime(microseconds: start),
      to: RadioTime(microseconds: start + PHY.oneMegabit.duration(length: length)))
  }

  private static func header(_ turn: Turn) -> UInt8? {
    if case .transmit(_, let header) = turn { header } else { nil }
  }

  @Test func answersAnEmptyPacketWithAnEmptyOne() {
    var event = Self.event()
    let turn = Self.receive(&event, 1)
    // LLID 1, NESN 1, SN 0.
    #expect(turn == .transmit(Packet(buffer: PacketMemory.empty, length: 0, kind: 1), header: 0b0101))
    #expect(event.transmitted(end: RadioTime(microseconds: 400)) == .close)
    #expect(event.anchor == RadioTime(microseconds: 100))
  }

  @Test func sendsEachPacketUntilItIsAcknowledged() {
    var event = Self.event()
    event.transmitQueue.append(Packet(buffer: 7, length: 10, kind: 2))
    event.transmitQueue.append(Packet(buffer: 8, length: 10, kind: 1))
    // The first, with MD, and again, as it was not acknowledged.
    #expect(Self.header(Self.receive(&event, 0b0001)) == 0b1_0110)
    #expect(event.transmitted(end: RadioTime(microseconds: 600)) == .listen)
    #expect(Self.header(Self.receive(&event, 0b1001, at: 750)) == 0b1_0010)
    #expect(event.counters.retransmitted == 1)
    // Acknowledged: the second.
    #expect(Self.header(Self.receive(&event, 0b0101, at: 1500)) == 0b0_1101)
    #expect(event.acknowledged.first?.buffer == 7)
    #expect(event.acknowledged.count == 1)
  }

  @Test func takesARepeatedPacketOnce() {
    var event = Self.event()
    _ = Self.receive(&event, 0b0010, length: 5)
    _ = Self.receive(&event, 0b0010, length: 5, at: 1000)
    #expect(event.received.count == 1)
    #expect(event.counters.repeated == 1)
  }

  @Test func doesNotAcknowledgeWhatItHasNoBufferFor() {
    var event = Self.event()
    var sequence: UInt8 = 0
    for i in 0..<PacketMemory.receiveCount - 1 {
      let turn = Self.receive(&event, 2 | sequence << 3, length: 3, at: 1000 * UInt32(i))
      sequence ^= 1
      #expect(Self.header(turn).map { $0 >> 2 & 1 } == sequence)
    }
    let turn = Self.receive(&event, 2 | sequence << 3, length: 3, at: 9000)
    #expect(Self.header(turn).map { $0 >> 2 & 1 } == sequence)
    #expect(event.counters.refused == 1)
    // An empty packet needs none.
    let empty = Self.receive(&event, 1 | sequence << 3, at: 9500)
    #expect(Self.header(empty).map { $0 >> 2 & 1 } == sequence ^ 1)
  }

  @Test func answersABadPacketAndGivesUpAfterTwo() {
    var event = Self.event()
    #expect(Self.header(Self.receive(&event, 0xff, isIntact: false)) == 0b0001)
    #expect(event.transmitted(end: RadioTime(microseconds: 500)) == .listen)
    #expect(Self.receive(&event, 0xff, isIntact: false, at: 650) == .close)
    #expect(event.anchor == RadioTime(microseconds: 100))
    #expect(event.lastIntact == nil)
  }

  @Test func leavesTimeForTheNextEvent() {
    var event = Self.event(interval: 7500)
    for i in 0..<4 { event.transmitQueue.append(Packet(buffer: 6 + UInt8(i), length: 251, kind: 1)) }
    var at: UInt32 = 0
    var sent = 0
    var next: UInt8 = 0
    while true {
      guard case .transmit(let packet, let header) = Self.receive(&event, 1 | next << 2 | next << 3, at: at)
      else { break }
      sent += packet.length > 0 ? 1 : 0
      next ^= 1
      let end = at + 80 + 150 + PHY.oneMegabit.duration(length: packet.length)
      #expect(end <= 7500)
      let goesOn = event.transmitted(end: RadioTime(microseconds: end)) == .listen
      #expect(goesOn == (header & 0x10 != 0))
      guard goesOn else { break }
      at = end + 150
    }
    #expect(sent == 3)
  }
}
