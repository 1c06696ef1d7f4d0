/// The part of a connection that must be decided between a packet and its answer: acknowledgement, which packet is
/// next, whether there are more (Core specification, Vol 6 Part B §4.5.6 and §4.5.9).
///
/// For the radio's interrupt: a small value, no allocation, no floating point, no reference, no loop. Packets come
/// encrypted and leave decrypted elsewhere, for no answer depends on what a packet says. The sequence numbers live as
/// long as the connection; the rest as long as an event.
public struct ConnectionEvent: Sendable {
  /// What was sent and is not acknowledged.
  private enum Outstanding: Sendable { case nothing, empty, first }

  // MARK: As long as the connection

  private var sequence: UInt8 = 0
  private var expected: UInt8 = 0
  private var outstanding = Outstanding.nothing
  /// What waits to be sent, and is sent again until it is acknowledged.
  var transmitQueue = PacketQueue()
  /// What was acknowledged: buffers that are free again.
  var acknowledged = PacketQueue()
  /// What came, in order and once each.
  var received = PacketQueue()
  /// Buffers to receive into.
  var free = PacketQueue()
  /// Where the next packet is to be received into.
  public internal(set) var receiveBuffer: UInt8 = 0
  /// What was seen on the air.
  var counters = AirCounters()

  // MARK: As long as an event

  /// The start of the first packet, whether its CRC was right or not; nil if there was none.
  private(set) var anchor: RadioTime?
  /// The start of the last packet whose CRC was right.
  private(set) var lastIntact: RadioTime?
  private var badInRow: UInt8 = 0
  private var continues = false
  /// When the last packet of the event must have ended.
  private var deadline = RadioTime(microseconds: 0)
  private var transmitPHY = PHY.oneMegabit

  /// A new connection: all of its packets begin at 0.
  mutating func reset() {
    let counters = counters
    self = ConnectionEvent()
    self.counters = counters
    for buffer in 1..<PacketMemory.receiveCount { free.append(Packet(buffer: buffer, length: 0)) }
  }

  /// A new event, which must be over at `deadline`.
  mutating func begin(deadline: RadioTime, transmitPHY: PHY) {
    anchor = nil
    lastIntact = nil
    badInRow = 0
    continues = false
    self.deadline = deadline
    self.transmitPHY = transmitPHY
  }

  /// A packet came into ``receiveBuffer``.
  ///
  /// - Parameters:
  ///   - header: its two octets, the first in the low half; anything if the CRC was bad.
  ///   - isIntact: whether the CRC was right.
  ///   - start: when its first bit began.
  ///   - end: when its last bit ended.
  public mutating func received(
    header: UInt16, isIntact: Bool, from start: RadioTime, to end: RadioTime
  ) -> Turn {
    if anchor == nil { anchor = start }
    if isIntact {
      badInRow = 0
      lastIntact = start
      acknowledge(nextExpected: UInt8(truncatingIfNeeded: header &>> 2) & 1)
      accept(header)
    } else {
      counters.badCRC &+= 1
      badInRow &+= 1
      guard badInRow < 2 else { return .close }
    }
    return answer(end: end, peerHasMore: !isIntact || header & 1 &<< 4 != 0)
  }

  /// The answer was sent; its last bit ended at `end`.
  public mutating func transmitted(end: RadioTime) -> Turn {
    // A packet and its answer, both empty, are the least that must have time.
    let least = 2 &* (RadioCommand.interFrameSpace &+ PHY.oneMegabit.duration(length: 0))
    return continues && !deadline.isBefore(end + least) ? .listen : .close
  }

  @inline(__always)
  private mutating func acknowledge(nextExpected: UInt8) {
    guard outstanding != .nothing else { return }
    if nextExpected == sequence {
      counters.retransmitted &+= 1
      return
    }
    sequence ^= 1
    if outstanding == .first, let packet = transmitQueue.removeFirst() { acknowledged.append(packet) }
    outstanding = .nothing
  }

  @inline(__always)
  private mutating func accept(_ header: UInt16) {
    guard UInt8(truncatingIfNeeded: header &>> 3) & 1 == expected else {
      counters.repeated &+= 1
      return
    }
    let length = UInt8(truncatingIfNeeded: header &>> 8)
    if length > 0 {
      // There must be another buffer for what comes next; else the peer has to send this one again.
      guard let next = free.removeFirst() else {
        counters.refused &+= 1
        return
      }
      received.append(
        Packet(buffer: receiveBuffer, length: length, kind: UInt8(truncatingIfNeeded: header) & 3))
      receiveBuffer = next.buffer
    }
    expected ^= 1
  }

  @inline(__always)
  private mutating func answer(end: RadioTime, peerHasMore: Bool) -> Turn {
    if outstanding == .nothing { outstanding = transmitQueue.isEmpty ? .empty : .first }
    let packet: Packet
    let next: Packet?
    if outstanding == .first, let first = transmitQueue.first {
      packet = first
      next = transmitQueue.second
    } else {
      packet = Packet(buffer: PacketMemory.empty, length: 0, kind: 1)
      next = transmitQueue.first
    }
    let gap = RadioCommand.interFrameSpace
    let answered = end + gap + transmitPHY.duration(length: packet.length)
    // The next event is worth more than this packet.
    guard !deadline.isBefore(answered) else { return .close }
    var hasMore = false
    if let next {
      let another =
        2 &* gap &+ PHY.oneMegabit.duration(length: 0) &+ transmitPHY.duration(length: next.length)
      hasMore = !deadline.isBefore(answered + another)
    }
    continues = peerHasMore || hasMore
    counters.sent &+= 1
    let bits = expected &<< 2 | sequence &<< 3 | (hasMore ? 1 &<< 4 : 0)
    return .transmit(packet, header: packet.kind | bits)
  }
}

/// What was seen on the air since the start.
public struct AirCounters: Sendable, Equatable {
  /// Packets on data channels that were sent.
  public internal(set) var sent: UInt32 = 0
  /// Packets sent once more, as they were not acknowledged.
  public internal(set) var retransmitted: UInt32 = 0
  /// Packets that the peer sent once more, though they had come.
  public internal(set) var repeated: UInt32 = 0
  /// Packets whose CRC was bad.
  public internal(set) var badCRC: UInt32 = 0
  /// Packets for which there was no buffer; the peer sends them again.
  public internal(set) var refused: UInt32 = 0
}
