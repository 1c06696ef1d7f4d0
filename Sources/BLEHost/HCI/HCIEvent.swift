import BLESecurity

/// What a controller says that this host acts upon (Core specification, Vol 4 Part E §7.7), parsed as far as
/// everything has the same form; return parameters of commands stay octets.
enum HCIEvent: Equatable {
  /// A command is done. Its status is the first return parameter, at offset ``returnParameters``.
  case commandComplete(Opcode, credits: UInt8)
  /// A command was understood, or refused.
  case commandStatus(Opcode, credits: UInt8, status: UInt8)
  case disconnected(connection: UInt16, reason: UInt8)
  case encryptionChanged(connection: UInt16, status: UInt8, isOn: Bool)
  /// `counts` is to be read with ``completedPackets(_:of:)``.
  case packetsCompleted
  case hardwareFailed(code: UInt8)
  case connected(ConnectionComplete)
  case connectionUpdated(connection: UInt16, status: UInt8, interval: UInt16, latency: UInt16)
  case longTermKeyRequested(connection: UInt16, random: UInt64, diversifier: UInt16)
  case parametersRequested(connection: UInt16, ConnectionParameters)
  case dataLengthChanged(connection: UInt16, transmit: UInt16, receive: UInt16)
  /// One that does not matter here, or that is too short to be what it says.
  case other

  struct ConnectionComplete: Equatable {
    var status: UInt8
    var connection: UInt16
    var isPeripheral: Bool
    var peer: DeviceAddress
    var interval: UInt16
    var latency: UInt16
    var supervisionTimeout: UInt16
  }

  /// Offset of a command's return parameters in the packet of its Command Complete.
  static let returnParameters = 6

  /// - Parameter packet: an event with its type octet and its header, whole as ``H4Framing`` gives it.
  init(parsing packet: Span<UInt8>) {
    self = Self.parse(packet) ?? .other
  }

  private static func parse(_ packet: Span<UInt8>) -> HCIEvent? {
    guard packet.count >= 3 else { return nil }
    switch packet[1] {
    case 0x05:
      guard packet.count >= 7, packet[3] == 0, let connection = handle(packet, at: 4) else { return nil }
      return .disconnected(connection: connection, reason: packet[6])
    case 0x08:
      guard packet.count >= 7, let connection = handle(packet, at: 4) else { return nil }
      return .encryptionChanged(connection: connection, status: packet[3], isOn: packet[6] != 0)
    case 0x0e:
      guard let opcode = packet.littleEndian16(at: 4) else { return nil }
      return .commandComplete(Opcode(value: opcode), credits: packet[3])
    case 0x0f:
      guard let opcode = packet.littleEndian16(at: 5) else { return nil }
      return .commandStatus(Opcode(value: opcode), credits: packet[4], status: packet[3])
    case 0x10:
      return packet.count >= 4 ? .hardwareFailed(code: packet[3]) : nil
    case 0x13:
      return .packetsCompleted
    case 0x30:
      // Encryption Key Refresh Complete: encryption was on, and is again.
      guard packet.count >= 6, let connection = handle(packet, at: 4) else { return nil }
      return .encryptionChanged(connection: connection, status: packet[3], isOn: true)
    case 0x3e:
      return packet.count >= 4 ? parseLE(packet) : nil
    default:
      return nil
    }
  }

  private static func parseLE(_ packet: Span<UInt8>) -> HCIEvent? {
    switch packet[3] {
    case 0x01:
      return parseConnectionComplete(packet)
    case 0x03:
      guard packet.count >= 13, let connection = handle(packet, at: 5),
        let interval = packet.littleEndian16(at: 7), let latency = packet.littleEndian16(at: 9)
      else { return nil }
      return .connectionUpdated(
        connection: connection, status: packet[4], interval: interval, latency: latency)
    case 0x05:
      guard let connection = handle(packet, at: 4), let random = packet.littleEndian(at: 6, width: 8),
        let diversifier = packet.littleEndian16(at: 14)
      else { return nil }
      return .longTermKeyRequested(connection: connection, random: random, diversifier: diversifier)
    case 0x06:
      guard let connection = handle(packet, at: 4), let minimum = packet.littleEndian16(at: 6),
        let maximum = packet.littleEndian16(at: 8), let latency = packet.littleEndian16(at: 10),
        let timeout = packet.littleEndian16(at: 12)
      else { return nil }
      return .parametersRequested(
        connection: connection,
        ConnectionParameters(
          minimumInterval: minimum, maximumInterval: maximum, latency: latency, supervisionTimeout: timeout))
    case 0x07:
      guard let connection = handle(packet, at: 4), let transmit = packet.littleEndian16(at: 6),
        let receive = packet.littleEndian16(at: 10)
      else { return nil }
      return .dataLengthChanged(connection: connection, transmit: transmit, receive: receive)
    default:
      return nil
    }
  }

  private static func parseConnectionComplete(_ packet: Span<UInt8>) -> HCIEvent? {
    guard packet.count >= 22, let connection = handle(packet, at: 5),
      let address = packet.littleEndian(at: 9, width: 6), let interval = packet.littleEndian16(at: 15),
      let latency = packet.littleEndian16(at: 17), let timeout = packet.littleEndian16(at: 19)
    else { return nil }
    // 2 and 3 are identity addresses that the controller resolved.
    let kind: DeviceAddress.Kind = packet[8] & 1 == 0 ? .publicDevice : .random
    return .connected(
      ConnectionComplete(
        status: packet[4], connection: connection, isPeripheral: packet[7] == 1,
        peer: DeviceAddress(kind: kind, value: address), interval: interval, latency: latency,
        supervisionTimeout: timeout))
  }

  private static func handle(_ packet: Span<UInt8>, at offset: Int) -> UInt16? {
    packet.littleEndian16(at: offset).map { $0 & 0x0fff }
  }

  /// Sum of the packets that a Number Of Completed Packets event gives back for a connection.
  static func completedPackets(_ packet: Span<UInt8>, of connection: UInt16) -> Int {
    guard packet.count >= 4 else { return 0 }
    var sum = 0
    for i in 0..<Int(packet[3]) {
      guard let theirs = handle(packet, at: 4 + 4 * i), let count = packet.littleEndian16(at: 6 + 4 * i)
      else { break }
      if theirs == connection { sum += Int(count) }
    }
    return sum
  }
}
