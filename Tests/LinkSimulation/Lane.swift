import LinkProtocol
import PropertyTesting

/// One direction of a carrier: a queue, the way out of it, and what is under way.
struct Lane {
  private let carrier: SimulatedCarrier
  /// Frames that have not wholly departed, oldest first.
  private var waiting: [(bytes: [UInt8], left: Int, since: Timestamp)] = []
  private(set) var waitingBytes = 0
  /// When the next byte or packet may depart.
  private var free = Timestamp(microseconds: 0)
  private var underWay: [(at: Timestamp, bytes: [UInt8])] = []
  private var lastArrival = Timestamp(microseconds: 0)

  init(_ carrier: SimulatedCarrier) {
    self.carrier = carrier
  }

  /// Whether another frame is taken.
  var hasRoom: Bool { waiting.isEmpty || waitingBytes < carrier.queue }

  mutating func push(_ bytes: [UInt8], now: Timestamp) {
    waiting.append((bytes, bytes.count, now))
    waitingBytes += bytes.count
  }

  /// Loses all there is.
  mutating func clear() {
    waiting = []
    waitingBytes = 0
    underWay = []
  }

  /// When something departs or arrives next.
  func next(_ events: EventClock?) -> Timestamp? {
    Timestamp.earliest(departure(events), underWay.first?.at)
  }

  /// When the next packet, or on a steady carrier the whole next frame, will have departed.
  private func departure(_ events: EventClock?) -> Timestamp? {
    guard let first = waiting.first else { return nil }
    let ready = max(free, first.since)
    switch carrier.pace {
    case .steady(let byteTime): return ready + UInt64(Double(first.left) * byteTime)
    case .events: return events?.slot(from: ready)
    }
  }

  /// Lets depart what departs until `now`.
  mutating func advance(
    to now: Timestamp, _ events: inout EventClock?, _ faults: LinkFaults, _ random: inout SeededGenerator
  ) {
    while let at = departure(events), at <= now {
      switch carrier.pace {
      case .steady:
        free = at
        waitingBytes -= waiting[0].left
        depart(at, faults, &random)
      case .events(let pace):
        events?.use(at)
        free = at + pace.packetTime
        fill(pace.packetBytes, at: at, faults, &random)
      }
    }
  }

  /// One packet: on a stream it takes the beginning of the next frame along, else it is one frame's alone.
  private mutating func fill(
    _ packetBytes: Int, at: Timestamp, _ faults: LinkFaults, _ random: inout SeededGenerator
  ) {
    var room = packetBytes
    while room > 0, let first = waiting.first, first.since <= at {
      let part = min(room, first.left)
      waiting[0].left -= part
      waitingBytes -= part
      room -= part
      if waiting[0].left == 0 { depart(free, faults, &random) }
      if case .datagrams = carrier.framing { return }
    }
  }

  private mutating func depart(_ at: Timestamp, _ faults: LinkFaults, _ random: inout SeededGenerator) {
    let frame = waiting.removeFirst().bytes
    let jitter = carrier.jitter == 0 ? 0 : random.next() % (carrier.jitter + 1)
    lastArrival = max(lastArrival, at + carrier.delay + jitter)
    let copies = random.chance(faults.duplication) ? 2 : 1
    for _ in 0..<copies {
      let damaged = faults.applied(to: frame, &random)
      if case .datagrams = carrier.framing, damaged.count < frame.count { continue }
      underWay.append((lastArrival, damaged))
    }
  }

  /// What has arrived by `now`.
  mutating func arrived(by now: Timestamp) -> [[UInt8]] {
    let count = underWay.firstIndex { $0.at > now } ?? underWay.count
    defer { underWay.removeFirst(count) }
    return underWay[..<count].map(\.bytes)
  }
}

/// When a carrier's packets may go, for both directions.
struct EventClock {
  private let pace: EventPace
  /// Begin of the first event.
  private let phase: UInt64
  /// The latest packet that went.
  private var latest: (event: UInt64, packet: UInt64)?

  /// The clock of a carrier that has events, beginning at any moment.
  init?(_ carrier: SimulatedCarrier, _ random: inout SeededGenerator) {
    guard case .events(let pace) = carrier.pace else { return nil }
    self.pace = pace
    phase = random.next() % pace.interval
  }

  /// The first packet that begins at or after `moment` and is not beyond its event's end.
  func slot(from moment: Timestamp) -> Timestamp {
    guard moment.microseconds > phase else { return Timestamp(microseconds: phase) }
    let since = moment.microseconds - phase
    let event = since / pace.interval
    let packet = (since % pace.interval + pace.packetTime - 1) / pace.packetTime
    let goesOn = latest.map { $0.event == event && $0.packet + 1 >= packet } ?? false
    let isOpen = packet == 0 || !pace.closesWhenIdle || goesOn
    if packet < UInt64(pace.packets), isOpen { return time(event, packet) }
    return time(event + 1, 0)
  }

  mutating func use(_ moment: Timestamp) {
    let since = moment.microseconds - phase
    let used = (since / pace.interval, since % pace.interval / pace.packetTime)
    if let latest, latest >= used { return }
    latest = used
  }

  private func time(_ event: UInt64, _ packet: UInt64) -> Timestamp {
    Timestamp(microseconds: phase + event * pace.interval + packet * pace.packetTime)
  }
}
