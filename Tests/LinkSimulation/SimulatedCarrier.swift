/// What a carrier does to the timing of what it carries. Both directions are alike and do not slow each other.
public struct SimulatedCarrier: Sendable {
  /// How frames are told apart.
  public enum Framing: Sendable {
    /// A byte stream: frames are stuffed and ended by a zero.
    case stream
    /// Each frame is a unit of its own, as an SDU of an L2CAP channel is.
    case datagrams
  }

  /// When bytes go.
  public enum Pace: Sendable {
    /// One after the other, each taking this many µs.
    case steady(byteTime: Double)
    /// Packets in events that recur, as a radio's connection events or a bus's frames do.
    case events(EventPace)
  }

  /// Name for reports, as in `ble-1m-15ms`.
  public var name: String
  /// How frames are told apart.
  public var framing: Framing
  /// The longest frame, in bytes before any stuffing.
  public var maximumFrame: Int
  /// When bytes go.
  public var pace: Pace
  /// Time from the last byte's departure to the frame's arrival, in µs.
  public var delay: UInt64
  /// Up to this much more, in µs, drawn for each frame; frames keep their order.
  public var jitter: UInt64
  /// Bytes that wait to depart before the sender is told to wait; at least one frame is always taken.
  public var queue: Int

  /// A carrier.
  public init(
    name: String, framing: Framing = .stream, maximumFrame: Int = 1100, pace: Pace, delay: UInt64,
    jitter: UInt64 = 0, queue: Int = 1
  ) {
    self.name = name
    self.framing = framing
    self.maximumFrame = maximumFrame
    self.pace = pace
    self.delay = delay
    self.jitter = jitter
    self.queue = queue
  }

  /// A byte stream without a queue of its own.
  public static func stream(
    delay: UInt64 = 500, byteTime: Double = 1, jitter: UInt64 = 0, queue: Int = 1
  ) -> Self {
    Self(name: "stream", pace: .steady(byteTime: byteTime), delay: delay, jitter: jitter, queue: queue)
  }

  /// USB full speed, CDC-ACM: at most 19 bulk packets of 64 bytes in each frame of 1 ms (USB 2.0, table 5-9).
  /// Linux's cdc-acm driver holds 16 buffers of 20 packets.
  public static let usb12Mbit = Self(
    name: "usb-12mbit", framing: .stream, maximumFrame: 1040,
    pace: .events(
      EventPace(interval: 1_000, packets: 19, packetBytes: 64, packetTime: 52, closesWhenIdle: false)),
    delay: 200, queue: 20_480)

  /// Bluetooth Low Energy, LE 1M, a connection event every 15 ms.
  public static let ble1M15ms = bluetooth(
    name: "ble-1m-15ms", interval: 15_000, packets: 4, packetTime: 2_470)
  /// Bluetooth Low Energy, LE 1M, a connection event every 30 ms.
  public static let ble1M30ms = bluetooth(
    name: "ble-1m-30ms", interval: 30_000, packets: 6, packetTime: 2_470)
  /// Bluetooth Low Energy, LE 2M, a connection event every 15 ms.
  public static let ble2M15ms = bluetooth(
    name: "ble-2m-15ms", interval: 15_000, packets: 6, packetTime: 1_390)
  /// Bluetooth Low Energy, LE 2M, a connection event every 30 ms.
  public static let ble2M30ms = bluetooth(
    name: "ble-2m-30ms", interval: 30_000, packets: 8, packetTime: 1_390)

  /// The carriers that boards have.
  public static let presets = [usb12Mbit, ble1M15ms, ble1M30ms, ble2M15ms, ble2M30ms]

  /// A credit-based L2CAP channel. A full data packet (251 bytes with data length extension) and the empty one
  /// that answers it take 2,470 µs at 1 Mbit/s and 1,390 µs at 2 Mbit/s, inter-frame spaces included (Core
  /// Specification, vol 6 part B, 2.1 and 4.1); 244 bytes of it are a frame's. How many go in one event is up
  /// to the controllers; a few is usual. The host's side queues far more than the radio moves in a second.
  private static func bluetooth(
    name: String, interval: UInt64, packets: Int, packetTime: UInt64
  ) -> Self {
    Self(
      name: name, framing: .datagrams, maximumFrame: 4 * 244,
      pace: .events(
        EventPace(
          interval: interval, packets: packets, packetBytes: 244, packetTime: packetTime, closesWhenIdle: true
        )), delay: 1_500, queue: 65_536)
  }
}

/// Packets that go in events.
public struct EventPace: Sendable {
  /// Time from one event's begin to the next one's, in µs.
  public var interval: UInt64
  /// Packets of one direction that an event has room for.
  public var packets: Int
  /// Bytes of frames that a packet carries.
  public var packetBytes: Int
  /// Time from one packet's begin to the next one's, in µs.
  public var packetTime: UInt64
  /// Whether an event ends with the first packet for which neither side has anything; what comes later then
  /// waits for the next event.
  public var closesWhenIdle: Bool

  /// Events.
  public init(
    interval: UInt64, packets: Int, packetBytes: Int, packetTime: UInt64, closesWhenIdle: Bool
  ) {
    precondition(packets > 0 && packetTime * UInt64(packets) <= interval)
    self.interval = interval
    self.packets = packets
    self.packetBytes = packetBytes
    self.packetTime = packetTime
    self.closesWhenIdle = closesWhenIdle
  }
}
