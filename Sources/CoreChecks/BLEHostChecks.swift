import BLEHost
import BLESecurity
import Bytes
import Cryptography
import LinkProtocol

/// A board's Bluetooth host from the controller's reset to frames over both carriers: everything that it says.
func bleHostHash() -> UInt32 {
  var peer = CheckedPeer()
  peer.exchange()
  // Connected as the peripheral to 02:00:00:EE:FF:C0, every 50 ms.
  peer.receive([4, 0x3e, 19, 1, 0, 0x41, 0, 1, 0, 2, 0, 0, 0xee, 0xff, 0xc0, 40, 0, 0, 0, 42, 0, 0])
  // Exchange MTU to 100, the services, the name from its 20th octet, notifications on.
  peer.attribute([0x02, 100, 0])
  peer.attribute([0x10, 1, 0, 0xff, 0xff, 0x00, 0x28])
  peer.attribute([0x0c, 3, 0, 20, 0])
  peer.attribute([0x12, 0x22, 0, 1, 0])
  // A frame of four octets in two fragments, and its echo.
  peer.attribute([0x52, 0x1f, 0, 0x80, 4, 0, 1, 2])
  peer.attribute([0x52, 0x1f, 0, 0x01, 3, 4])
  peer.echo()
  // A channel with an MTU of 320 and an MPS of 30, a frame of three octets, and its echo, longer.
  peer.pdu(5, [0x14, 7, 10, 0, 0x80, 0, 0x50, 0, 0x40, 1, 30, 0, 99, 0])
  peer.pdu(0x40, [3, 0, 5, 6, 7])
  peer.echo()
  // Nobody may pair.
  peer.pdu(6, [0x01, 3, 0, 9, 16, 2, 2])
  return peer.frames == 2 ? peer.hash.value : 0
}

/// A controller that does everything it is told, with a central behind it.
private struct CheckedPeer: ~Copyable {
  private var host: BLEHost
  private var packet = BoundedBytes(capacity: BLEHost.recommendedPacketCapacity)
  private var answer = BoundedBytes(capacity: 80)
  private var frame = BoundedBytes(capacity: 320)
  private var now = Timestamp(microseconds: 0)
  private(set) var frames = 0
  private(set) var hash = FNV1a()

  init() {
    var configuration = BLEHostConfiguration(
      texts: DeviceTexts(
        name: ShortText("FedBridge 0000000000000001"), manufacturer: ShortText("FedBridge"),
        model: ShortText("check"), firmware: ShortText("1"), hardware: ShortText("1")),
      address: DeviceAddress(kind: .random, value: 0xc000_0000_0001), board: 1)
    configuration.maximumFrame = 320
    configuration.inboxCapacity = 1000
    configuration.dataRequirement = .none
    host = BLEHost(configuration: configuration, seed: .zero)
    host.start(now: now)
  }

  // Each lends one part of this value to another.
  private static func hand(_ packet: borrowing BoundedBytes, to host: inout BLEHost, _ now: Timestamp) {
    host.received(hciPacket: packet.span, now: now)
  }
  private static func send(_ frame: borrowing BoundedBytes, by host: inout BLEHost) {
    host.send(frame: frame.span)
  }
  private static func add(_ packet: borrowing BoundedBytes, to hash: inout FNV1a) { hash.add(packet.span) }

  /// Takes and answers whatever the host says.
  mutating func exchange() {
    while host.nextHCIPacket(into: &packet, now: now) {
      Self.add(packet, to: &hash)
      answer.removeAll()
      if packet.span[0] == 1 {
        // Command Complete: success, and 27 octets in each of 4 buffers for those that ask.
        append([4, 0x0e, 68, 1])
        let opcode = (packet.span[1], packet.span[2])
        answer.append(opcode.0)
        answer.append(opcode.1)
        append([0, 27, 0, 4])
        answer.appendZeros(61)
      } else {
        // The packet went over the air.
        append([4, 0x13, 5, 1, 0x41, 0, 1, 0])
      }
      Self.hand(answer, to: &host, now)
    }
    while host.takeEvent() != nil {}
  }

  private mutating func append<let count: Int>(_ octets: InlineArray<count, UInt8>) {
    answer.append(contentsOf: octets.span)
  }

  mutating func receive<let count: Int>(_ octets: InlineArray<count, UInt8>) {
    host.received(hciPacket: octets.span, now: now)
    exchange()
  }

  mutating func attribute<let count: Int>(_ octets: InlineArray<count, UInt8>) { pdu(4, octets) }

  mutating func pdu<let count: Int>(_ channel: UInt8, _ octets: InlineArray<count, UInt8>) {
    answer.removeAll()
    append([2, 0x41, 0x20])
    answer.append(littleEndian: UInt64(count + 4), width: 2)
    answer.append(littleEndian: UInt64(count), width: 2)
    answer.append(littleEndian: UInt64(channel), width: 2)
    answer.append(contentsOf: octets.span)
    Self.hand(answer, to: &host, now)
    exchange()
  }

  /// Sends back the frame that came in, 40 times over.
  mutating func echo() {
    guard host.takeFrame(into: &frame) else { return }
    frames += 1
    let once = frame.count
    for _ in 1..<40 {
      for i in 0..<once {
        let octet = frame.span[i]
        frame.append(octet)
      }
    }
    Self.send(frame, by: &host)
    exchange()
  }
}
