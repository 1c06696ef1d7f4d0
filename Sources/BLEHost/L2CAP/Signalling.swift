import Bytes

/// The channels of an LE link (Core specification, Vol 3 Part A §2.1).
enum ChannelID {
  static let attributes: UInt16 = 0x0004
  static let signalling: UInt16 = 0x0005
  static let security: UInt16 = 0x0006
  /// Those that a peer may give its ends of channels.
  static let dynamic: ClosedRange<UInt16> = 0x0040...0x007f
}

/// A peer's wish for a credit-based channel (Core specification, Vol 3 Part A §4.22).
struct ChannelRequest: Equatable {
  var psm: UInt16
  var source: UInt16
  var mtu: UInt16
  var mps: UInt16
  var credits: UInt16
}

/// The answer to a ``ChannelRequest`` (Table 4.16).
enum ChannelResult: UInt16 {
  case success = 0x0000
  case unknownPSM = 0x0002
  case noResources = 0x0004
  case insufficientAuthentication = 0x0005
  case insufficientEncryption = 0x0008
  case invalidSource = 0x0009
  case sourceInUse = 0x000a
  case unacceptable = 0x000b

  init(lack: LinkSecurity.Lack) {
    self = lack == .authentication ? .insufficientAuthentication : .insufficientEncryption
  }
}

/// A command on the signalling channel, as far as a peripheral with one credit-based channel hears it
/// (Core specification, Vol 3 Part A §4).
enum Signal: Equatable {
  /// Something that we asked for was not understood.
  case rejected(identifier: UInt8)
  case disconnectionRequest(identifier: UInt8, destination: UInt16, source: UInt16)
  case disconnectionResponse(destination: UInt16, source: UInt16)
  case parametersResponse(identifier: UInt8, isAccepted: Bool)
  case channelRequest(identifier: UInt8, ChannelRequest)
  case credits(source: UInt16, count: UInt16)
  /// A request that this host does not know or that has not the form it should have: to be rejected.
  case unknown(identifier: UInt8)
  /// What wants no answer.
  case ignored

  /// - Parameter payload: what a PDU on the signalling channel carries; on LE links one command.
  init(parsing payload: Span<UInt8>) {
    // Identifier 0 is no command's.
    guard let length = payload.littleEndian16(at: 2), payload[1] != 0 else {
      self = .ignored
      return
    }
    let code = payload[0]
    let identifier = payload[1]
    let data = payload.dropping(4)
    // Answers to what nobody asked: never answered in turn.
    let isResponse = [0x01, 0x03, 0x05, 0x07, 0x0b, 0x13, 0x15, 0x16, 0x18, 0x1a].contains { $0 == code }
    guard data.count == Int(length), let signal = Self.parse(code, identifier, data) else {
      self = isResponse ? .ignored : .unknown(identifier: identifier)
      return
    }
    self = signal
  }

  private static func parse(_ code: UInt8, _ identifier: UInt8, _ data: Span<UInt8>) -> Signal? {
    switch code {
    case 0x01:
      return .rejected(identifier: identifier)
    case 0x06, 0x07:
      guard data.count == 4, let first = data.littleEndian16(at: 0), let second = data.littleEndian16(at: 2)
      else { return nil }
      return code == 0x06
        ? .disconnectionRequest(identifier: identifier, destination: first, source: second)
        : .disconnectionResponse(destination: first, source: second)
    case 0x13:
      guard data.count == 2 else { return nil }
      return .parametersResponse(identifier: identifier, isAccepted: data[0] == 0 && data[1] == 0)
    case 0x14:
      guard data.count == 10, let psm = data.littleEndian16(at: 0), let source = data.littleEndian16(at: 2),
        let mtu = data.littleEndian16(at: 4), let mps = data.littleEndian16(at: 6),
        let credits = data.littleEndian16(at: 8)
      else { return nil }
      return .channelRequest(
        identifier: identifier,
        ChannelRequest(psm: psm, source: source, mtu: mtu, mps: mps, credits: credits))
    case 0x16:
      guard data.count == 4, let source = data.littleEndian16(at: 0), let count = data.littleEndian16(at: 2)
      else { return nil }
      return .credits(source: source, count: count)
    default:
      return nil
    }
  }
}

/// Commands that wait to be sent on the signalling channel. A peer that sends more requests than there is room for
/// answers, and does not take them, gets none to the rest.
struct SignalQueue: ~Copyable {
  /// The longest command written here: a connection parameter update request, 4 + 8; a channel response 4 + 10.
  static let longest = 14

  private var queue = FrameQueue(capacity: 6 * (longest + 2))

  var isEmpty: Bool { queue.count == 0 }

  mutating func removeAll() { queue.removeAll() }

  /// Takes out the oldest; false if there is none.
  mutating func take(into command: inout BoundedBytes) -> Bool { queue.takeFrame(into: &command) }

  mutating func reject(_ identifier: UInt8) {
    append(0x01, identifier, 0x0000, width: 2)
  }

  mutating func rejectChannel(_ identifier: UInt8, local: UInt16, remote: UInt16) {
    append(0x01, identifier, 0x0002 | UInt64(local) << 16 | UInt64(remote) << 32, width: 6)
  }

  mutating func requestDisconnection(_ identifier: UInt8, destination: UInt16, source: UInt16) {
    append(0x06, identifier, UInt64(destination) | UInt64(source) << 16, width: 4)
  }

  mutating func confirmDisconnection(_ identifier: UInt8, destination: UInt16, source: UInt16) {
    append(0x07, identifier, UInt64(destination) | UInt64(source) << 16, width: 4)
  }

  mutating func requestParameters(_ identifier: UInt8, _ parameters: ConnectionParameters) {
    let intervals = UInt64(parameters.minimumInterval) | UInt64(parameters.maximumInterval) << 16
    let rest = UInt64(parameters.latency) | UInt64(parameters.supervisionTimeout) << 16
    append(0x12, identifier, intervals | rest << 32, width: ConnectionParameters.byteCount)
  }

  mutating func answerChannel(
    _ identifier: UInt8, _ result: ChannelResult, local: UInt16 = 0, mtu: UInt16 = 0, mps: UInt16 = 0,
    credits: UInt16 = 0
  ) {
    let head = UInt64(local) | UInt64(mtu) << 16 | UInt64(mps) << 32 | UInt64(credits) << 48
    append(0x15, identifier, head, width: 8, then: result.rawValue)
  }

  mutating func giveCredits(_ identifier: UInt8, source: UInt16, count: UInt16) {
    append(0x16, identifier, UInt64(source) | UInt64(count) << 16, width: 4)
  }

  /// Whether a command of any length has room.
  var hasRoom: Bool { queue.free >= Self.longest + 2 }

  private mutating func append(
    _ code: UInt8, _ identifier: UInt8, _ data: UInt64, width: Int, then last: UInt16? = nil
  ) {
    let length = width + (last == nil ? 0 : 2)
    guard queue.free >= 2 + 4 + length else { return }
    queue.begin(length: 4 + length)
    queue.append(code)
    queue.append(identifier)
    queue.append(littleEndian: UInt64(length), width: 2)
    queue.append(littleEndian: data, width: width)
    if let last { queue.append(littleEndian: UInt64(last), width: 2) }
  }
}
