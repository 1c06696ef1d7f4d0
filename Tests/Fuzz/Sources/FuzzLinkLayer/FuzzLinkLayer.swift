import BLELinkLayer
import Bytes
import Cryptography
import FuzzSupport

/// A link layer between a host that sends anything and an air on which anything is heard, at any time.
///
/// Whatever comes in, it never waits for itself, what the host gets is well formed, and what is sent stays within its
/// buffer and in its time.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLinkLayer(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var input = FuzzInput(start, count)
  let radio = LinkLayerVictim(choices: input.byte())
  while !input.isEmpty { radio.step(&input) }
  return 0
}

/// A link layer and its driver.
private final class LinkLayerVictim {
  private static let peer: [UInt8] = [0x02, 0x00, 0x00, 0xee, 0xff, 0xc0]
  private static let address: [UInt8] = [0x01, 0x00, 0x00, 0xee, 0xff, 0xc0]

  private var layer: LinkLayer<SoftwareEncryption>
  private var event = RadioEvent()
  private var command: RadioCommand?
  private var now = RadioTime(microseconds: 0xffff_0000)
  private var packet = BoundedBytes(capacity: LinkLayer<SoftwareEncryption>.packetCapacity)
  /// The header's sequence bits, as a central counts them.
  private var sequence: UInt8 = 0
  private var expected: UInt8 = 0
  private var answersKeyRequests: Bool

  init(choices: UInt8) {
    answersKeyRequests = choices & 2 == 0
    var configuration = LinkLayerConfiguration()
    if choices & 1 != 0 { configuration.features = LinkFeatures(rawValue: UInt64(choices) << 2) }
    layer = LinkLayer(configuration: configuration, encryption: SoftwareEncryption(), seed: .zero)
    send([1, 1, 0x20, 8, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
    send([1, 5, 0x20, 6] + Self.address)
    send([1, 6, 0x20, 15, 0x20, 0, 0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0])
    send([1, 10, 0x20, 1, 1])
    settle()
    // A request to connect that no link layer refuses, if the input does not spoil it.
    hear(
      [0xe5, 34] + Self.peer + Self.address + [
        0x71, 0x5d, 0x65, 0x50, 1, 2, 3, 2, 1, 0, 24, 0, 0, 0, 100, 0, 0xff, 0xff, 0xff, 0xff, 0x1f, 7,
      ], isIntact: true)
    settle()
  }

  func step(_ input: inout FuzzInput) {
    switch input.byte() % 8 {
    case 0: hear(input.body(), isIntact: input.byte() & 15 != 0)
    case 1, 2: say(3, input.body())
    case 3: say(1 + input.byte() & 1, input.body())
    case 4:
      let parameters = input.body()
      send([1, input.byte(), 0x20, UInt8(truncatingIfNeeded: parameters.count)] + parameters)
    case 5:
      let data = input.body()
      send([2, 1, input.byte() & 0x30, UInt8(truncatingIfNeeded: data.count), UInt8(data.count >> 8)] + data)
    case 6: send(input.body())
    default:
      // An event passes in silence, or the processor had no time.
      if let command { now = command.start + command.window + UInt32(input.byte()) << 8 }
      event.heardNothing()
      command = nil
    }
    settle()
  }

  /// The central says something new, with sequence numbers that are right.
  private func say(_ kind: UInt8, _ payload: [UInt8]) {
    let length = UInt8(truncatingIfNeeded: payload.count)
    hear([kind | expected << 2 | sequence << 3, length] + payload.prefix(Int(length)), isIntact: true)
    sequence ^= 1
  }

  private func hear(_ octets: [UInt8], isIntact: Bool) {
    guard let command, octets.count >= 2 else { return }
    now = now.isBefore(command.start) ? command.start : now + 300
    let start = now
    let buffer = layer.memory.address(of: event.receiveBuffer)
    let count = min(Int(octets[1]), Int(command.maximumLength), octets.count - 2)
    buffer[0] = octets[0]
    buffer[1] = UInt8(count)
    for i in 0..<count { buffer[2 + i] = octets[2 + i] }
    now = now + command.receivePHY.duration(length: UInt8(count))
    let turn = Self.receive(layer.memory, &event, isIntact: isIntact, from: start, to: now)
    guard case .transmit(let packet, let header) = turn else {
      self.command = nil
      return
    }
    expected = header >> 3 & 1 ^ 1
    layer.memory.address(of: packet.buffer)[0] = header
    now = now + 150 + command.transmitPHY.duration(length: packet.length)
    if event.transmitted(end: now) == .close { self.command = nil }
  }

  private static func receive(
    _ memory: borrowing PacketMemory, _ event: inout RadioEvent, isIntact: Bool, from start: RadioTime,
    to end: RadioTime
  ) -> Turn {
    event.received(memory.pdu(of: event.receiveBuffer), isIntact: isIntact, from: start, to: end, rssi: 0)
  }

  private func send(_ octets: [UInt8]) { layer.received(hciPacket: octets.span, now: now) }

  private func settle() {
    for round in 0..<100 {
      require(round < 99, "it never comes to rest")
      if let next = layer.exchange(with: &event) {
        require(next.channel < 40, "a channel that there is not")
        require(!next.start.isBefore(now), "a command for the past")
        command = next
      }
      drain()
      if !layer.work(now: now) { break }
    }
    if let next = layer.exchange(with: &event) { command = next }
  }

  private func drain() {
    while layer.nextHCIPacket(into: &packet) {
      let octets = packet.copied()
      require(!packet.overflowed && octets.count >= 4, "a packet that is cut")
      if octets[0] == 2 {
        require(octets.count > 5 && octets.count == 5 + Int(octets[3]), "data of another length than it says")
      } else {
        require(
          octets[0] == 4 && octets.count == 3 + Int(octets[2]), "an event of another length than it says")
        if octets[1] == 0x3e, octets[3] == 5, answersKeyRequests {
          send([1, 0x1a, 0x20, 18, 1, 0] + [UInt8](repeating: 1, count: 16))
        }
      }
    }
  }
}
