/// Which channel a connection event is on (Core specification, Vol 6 Part B §4.5.8).
enum ChannelSelection: Sendable, Equatable {
  /// Algorithm #1: so many channels further at each event. `last` is the channel before it was mapped.
  case first(hop: UInt8, last: UInt8)
  /// Algorithm #2: a pseudo-random sequence over the event counter.
  case second(identifier: UInt16)

  static func second(accessAddress: UInt32) -> Self {
    .second(identifier: UInt16(truncatingIfNeeded: accessAddress >> 16 ^ accessAddress))
  }

  /// The event counter has moved on by one.
  mutating func advance() {
    guard case .first(let hop, let last) = self else { return }
    self = .first(hop: hop, last: (last + hop) % ChannelMap.channelCount)
  }

  /// The channel of the event with this counter, to which ``advance()`` has come.
  func channel(counter: UInt16, map: ChannelMap) -> UInt8 {
    let count = max(map.count, 1)
    switch self {
    case .first(_, let last):
      return map.contains(last) ? last : map.channel(at: last % count)
    case .second(let identifier):
      let random = Self.random(counter: counter, identifier)
      let channel = UInt8(truncatingIfNeeded: random % UInt16(ChannelMap.channelCount))
      if map.contains(channel) { return channel }
      return map.channel(at: UInt8(truncatingIfNeeded: (UInt32(count) * UInt32(random)) >> 16))
    }
  }

  /// Three rounds of turning the bits of each octet round, and multiplying and adding (§4.5.8.3.3).
  private static func random(counter: UInt16, _ identifier: UInt16) -> UInt16 {
    var value = counter ^ identifier
    for _ in 0..<3 { value = permuted(value) &* 17 &+ identifier }
    return value ^ identifier
  }

  private static func permuted(_ value: UInt16) -> UInt16 {
    var v = value
    v = (v & 0x5555) << 1 | (v >> 1) & 0x5555
    v = (v & 0x3333) << 2 | (v >> 2) & 0x3333
    return (v & 0x0f0f) << 4 | (v >> 4) & 0x0f0f
  }
}
