import LinkProtocol
import PropertyTesting

extension SimulatedCarrier {
  /// µs from the first byte given to the last one arrived, if this many bytes go in the carrier's longest frames
  /// with no protocol at all: nothing added, nothing answered.
  public func timeToMove(_ count: Int, seed: UInt64) -> UInt64 {
    var random = SeededGenerator(seed: seed)
    var events = EventClock(self, &random)
    var lane = Lane(self)
    let start = Timestamp(microseconds: 1)
    var now = start
    var given = 0
    var arrived = 0
    while arrived < count {
      while given < count, lane.hasRoom {
        let length = min(maximumFrame, count - given)
        lane.push([UInt8](repeating: 0x55, count: length), now: now)
        given += length
      }
      now = lane.next(events) ?? now
      lane.advance(to: now, &events, LinkFaults(), &random)
      for frame in lane.arrived(by: now) { arrived += frame.count }
    }
    return now - start
  }
}
