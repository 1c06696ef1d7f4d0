/// What the hardware has to do on endpoint 0 next.
public enum ControlAction: Sendable, Equatable {
  /// Nothing: the next word is the host's.
  case wait
  /// Send the packet of this many bytes, 0…64, that ``SerialDevice/copyControlPacket(into:)`` writes.
  case send(Int)
  /// Take a packet from the host.
  case receive
  /// Complete the status stage.
  case acknowledge
  /// Complete the status stage, then answer to this address. There are controllers that do both by themselves.
  case takeAddress(UInt8)
  /// Answer STALL until the next setup packet.
  case stall
}

/// The stages of one control transfer (USB 2.0, 5.5 and 8.5.3). A new setup packet ends whatever was under way.
struct ControlPipe: ~Copyable {
  /// Where the bytes to send lie.
  enum Source {
    case descriptors, reply
  }

  private enum Stage {
    /// Between transfers, or the rest is the status stage.
    case idle
    /// Packets go to the host, up to byte `end` of the source.
    case sending(end: Int, endsWithEmptyPacket: Bool)
    /// The last packet goes to the host.
    case finishing
    /// Bytes are awaited from the host.
    case receiving(Int)
  }

  private var stage = Stage.idle
  private(set) var source = Source.reply
  /// The packet that is being sent, within the source.
  private(set) var packet = 0..<0

  /// The host's setup packet, or a reset, ended the transfer.
  mutating func abandon() {
    stage = .idle
    packet = 0..<0
  }

  /// The answer is a part of `source`, cut to what the host takes. It has to end by a packet that is shorter than
  /// the longest if it is shorter than what the host takes (8.5.3.2).
  mutating func send(_ range: Range<Int>, of source: Source, requested: UInt16) -> ControlAction {
    guard requested > 0 else { return .acknowledge }
    let count = min(range.count, Int(requested))
    self.source = source
    packet = range.lowerBound..<range.lowerBound
    stage = .sending(
      end: range.lowerBound + count,
      endsWithEmptyPacket: count < Int(requested) && count % SerialDevice.packetSize == 0)
    return sendNext()
  }

  /// The request comes with `count` bytes from the host, which fit in one packet: those of no request here are more.
  mutating func receive(_ count: Int) -> ControlAction {
    stage = .receiving(count)
    return .receive
  }

  /// The host took a packet.
  mutating func packetSent() -> ControlAction {
    switch stage {
    case .sending: return sendNext()
    case .finishing:
      stage = .idle
      return .acknowledge
    case .idle, .receiving: return .wait
    }
  }

  private mutating func sendNext() -> ControlAction {
    guard case .sending(let end, let endsWithEmptyPacket) = stage else { return .wait }
    let start = packet.upperBound
    let count = min(SerialDevice.packetSize, end - start)
    packet = start..<start + count
    let isLast = count < SerialDevice.packetSize || (packet.upperBound == end && !endsWithEmptyPacket)
    if isLast { stage = .finishing }
    return .send(count)
  }

  /// A packet came from the host; whether it is what was announced.
  mutating func packetReceived(_ bytes: Span<UInt8>) -> Bool {
    guard case .receiving(let announced) = stage else { return false }
    stage = .idle
    return bytes.count == announced
  }
}
