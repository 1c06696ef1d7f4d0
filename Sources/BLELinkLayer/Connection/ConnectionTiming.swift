/// When and where the two sides meet: anchors, windows, channels, instants (Core specification, Vol 6 Part B §4.5).
struct ConnectionTiming {
  /// What a packet may come too early or too late although both clocks are right, in µs.
  static let jitter: UInt32 = 16
  /// The same of the first packet in a transmit window: a period and a half of the 32.768 kHz by which a central may plan
  /// it. That of Zephyr 4.4.0 was seen to come 26 µs before the window that it had announced.
  static let windowJitter: UInt32 = 46

  private(set) var parameters: LinkParameters
  private(set) var channelMap: ChannelMap
  private(set) var selection: ChannelSelection
  /// Number of the event that ``nominal`` is of.
  private(set) var counter: UInt16 = 0
  /// When the event begins if both clocks agree; or when its transmit window does.
  private(set) var nominal: RadioTime
  /// How long the transmit window is, in µs; 0 once the central was heard in it.
  private(set) var windowSize: UInt32
  /// The last moment at which the two clocks were compared.
  private(set) var synchronised: RadioTime
  /// The last packet with a right CRC; the request to connect at first.
  private(set) var lastHeard: RadioTime
  /// Whether there was such a packet.
  private(set) var isEstablished = false
  /// The worst cases of both clocks together, in ppm.
  private let accuracy: UInt32

  /// What changes at an instant.
  var pendingUpdate: ConnectionUpdate?
  var pendingMap: (map: ChannelMap, instant: UInt16)?
  var pendingPHY: (toPeripheral: PHY, toCentral: PHY, instant: UInt16)?
  private(set) var receivePHY = PHY.oneMegabit
  private(set) var transmitPHY = PHY.oneMegabit
  /// What changed at the last ``advance()``.
  private(set) var changed = Changes()

  struct Changes: OptionSet {
    let rawValue: UInt8
    static let parameters = Changes(rawValue: 1)
    static let phy = Changes(rawValue: 2)
  }

  /// - Parameters:
  ///   - end: when the request ended.
  ///   - ownAccuracy: worst case of the own clock, in ppm.
  init(_ request: ConnectRequest, end: RadioTime, ownAccuracy: UInt32, hasChannelSelection2: Bool) {
    parameters = request.parameters
    channelMap = request.channelMap
    selection =
      request.usesChannelSelection2 && hasChannelSelection2
      ? .second(accessAddress: request.accessAddress) : .first(hop: request.hop, last: 0)
    // transmitWindowDelay is 1.25 ms.
    nominal = end + 1250 + UInt32(request.windowOffset) * 1250
    windowSize = UInt32(request.windowSize) * 1250
    synchronised = end
    lastHeard = end
    accuracy = request.clockAccuracy + ownAccuracy
    selection.advance()
  }

  /// The channel of the event.
  var channel: UInt8 { selection.channel(counter: counter, map: channelMap) }

  /// How much too early or too late the event may begin, in µs.
  var widening: UInt32 {
    let elapsed = UInt32(max(0, nominal.since(synchronised)))
    let drift = ((elapsed / 1000 + 1) * accuracy + 999) / 1000
    let jitter = windowSize > 0 ? Self.windowJitter : Self.jitter
    return min(drift + jitter, parameters.intervalTime / 2 - RadioCommand.interFrameSpace)
  }

  /// The earliest moment at which the central may begin.
  var windowStart: RadioTime { nominal - widening }
  /// How much later it may do so, in µs.
  var windowLength: UInt32 { 2 * widening + windowSize }

  /// When the event must be over, so that `gap` µs are left before the next one may begin.
  func deadline(gap: UInt32) -> RadioTime {
    nominal + parameters.intervalTime - (widening + widening) - gap
  }

  /// When the connection is lost if nothing is heard until then: 6 intervals if nothing ever was (§4.5.2).
  var expiry: RadioTime {
    lastHeard + (isEstablished ? parameters.timeoutTime : 6 * parameters.intervalTime)
  }

  /// The event is over.
  ///
  /// - Parameters:
  ///   - anchor: the start of its first packet.
  ///   - heard: the start of its last packet with a right CRC.
  mutating func ended(anchor: RadioTime?, heard: RadioTime?) {
    if let anchor {
      nominal = anchor
      synchronised = anchor
      windowSize = 0
    }
    if let heard { self.heard(at: heard) }
  }

  /// A packet with a right CRC came.
  mutating func heard(at time: RadioTime) {
    lastHeard = time
    isEstablished = true
  }

  /// Goes on to the next event.
  mutating func advance() {
    counter &+= 1
    selection.advance()
    nominal = nominal + parameters.intervalTime
    applyInstants()
  }

  /// What is due at this event becomes so.
  mutating func applyInstants() {
    if let update = pendingUpdate, update.instant == counter {
      pendingUpdate = nil
      // The anchor is where it would have been, and the transmit window begins so much later (§5.1.1).
      nominal = nominal + UInt32(update.windowOffset) * 1250
      windowSize = UInt32(update.windowSize) * 1250
      if parameters != update.parameters { changed.insert(.parameters) }
      parameters = update.parameters
    }
    if let (map, instant) = pendingMap, instant == counter {
      pendingMap = nil
      channelMap = map
    }
    if let (toPeripheral, toCentral, instant) = pendingPHY, instant == counter {
      pendingPHY = nil
      if receivePHY != toPeripheral || transmitPHY != toCentral { changed.insert(.phy) }
      receivePHY = toPeripheral
      transmitPHY = toCentral
    }
  }

  mutating func takeChanges() -> Changes {
    defer { changed = [] }
    return changed
  }

  /// Whether an instant that a PDU of this event names has passed: it counts modulo 2¹⁶ (§5.5.1).
  func hasPassed(_ instant: UInt16) -> Bool { instant &- counter >= 32767 }

  /// Events until the next instant; nil if there is none.
  var eventsToInstant: UInt16? {
    var least: UInt16?
    if let pendingUpdate { least = pendingUpdate.instant &- counter }
    if let pendingMap { least = min(least ?? .max, pendingMap.instant &- counter) }
    if let pendingPHY { least = min(least ?? .max, pendingPHY.instant &- counter) }
    return least
  }
}
