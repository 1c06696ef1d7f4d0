import Bytes

@testable import BLELinkLayer

/// A host played by hand.
final class RawHost: TestHost {
  private(set) var events: [[UInt8]] = []
  private(set) var data: [[UInt8]] = []
  /// Packets that wait for a buffer of the controller.
  var outgoing: [[UInt8]] = []
  private var commands: [[UInt8]] = []
  private(set) var credits = 4
  private(set) var completed = 0
  /// While true it takes nothing.
  var isBusy = false
  /// What it answers when it is asked for a key.
  var key: [UInt8]?
  var answersKeyRequests = true
  private var packet = BoundedBytes(capacity: LinkLayer<MeteredEncryption>.packetCapacity)

  func pump(_ layer: inout LinkLayer<MeteredEncryption>, clock: Int64, radio: RadioTime) {
    guard !isBusy else { return }
    while !commands.isEmpty {
      let command = commands.removeFirst()
      layer.received(hciPacket: command.span, now: radio)
      take(&layer)
    }
    take(&layer)
    while credits > 0, !outgoing.isEmpty {
      let packet = outgoing.removeFirst()
      credits -= 1
      layer.received(hciPacket: packet.span, now: radio)
    }
  }

  private func take(_ layer: inout LinkLayer<MeteredEncryption>) {
    while layer.nextHCIPacket(into: &packet) {
      let octets = packet.copied()
      if octets[0] == 2 { data.append(octets) } else { received(octets) }
    }
  }

  private func received(_ event: [UInt8]) {
    events.append(event)
    switch event[1] {
    case 0x13:
      let count = Int(event[6]) | Int(event[7]) << 8
      credits += count
      completed += count
    case 0x05:
      credits = 4
      outgoing = []
    case 0x3e where event[3] == 5 && answersKeyRequests:
      if let key { command(0x201a, [1, 0] + key) } else { command(0x201b, [1, 0]) }
    default: break
    }
  }

  func command(_ opcode: UInt16, _ parameters: [UInt8] = []) {
    commands.append([1, UInt8(opcode & 255), UInt8(opcode >> 8), UInt8(parameters.count)] + parameters)
  }

  func send(_ payload: [UInt8], isFirst: Bool = true) {
    outgoing.append(
      [2, 1, isFirst ? 0 : 0x10, UInt8(payload.count & 255), UInt8(payload.count >> 8)] + payload)
  }

  /// Everything that a host does until it is found.
  func advertise() {
    command(0x0c03)
    command(0x0c01, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f])
    command(0x2001, [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
    command(0x2005, TestCentral.peripheralAddress)
    command(0x2006, [0x20, 0, 0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0])
    command(0x2008, [3, 2, 1, 6] + [UInt8](repeating: 0, count: 28))
    command(0x2009, [4, 3, 9, 0x46, 0x42] + [UInt8](repeating: 0, count: 27))
    command(0x200a, [1])
  }

  /// Parameters of the last event with this code, or LE event with this subevent.
  func last(_ code: UInt8, subevent: UInt8? = nil) -> [UInt8]? {
    events.last { $0[1] == code && (subevent == nil || $0[3] == subevent) }.map { Array($0[3...]) }
  }

  /// The reason of the disconnection; nil if there was none.
  var disconnectReason: UInt8? { last(0x05).map { $0[3] } }

  /// Return parameters of the last answer to a command, the status first.
  func answer(to opcode: UInt16) -> [UInt8]? {
    for event in events.reversed() {
      if event[1] == 0x0e, UInt16(event[4]) | UInt16(event[5]) << 8 == opcode { return Array(event[6...]) }
      if event[1] == 0x0f, UInt16(event[5]) | UInt16(event[6]) << 8 == opcode { return [event[3]] }
    }
    return nil
  }
}
