import BLEHost
import BLESecurity
import Bytes
import Cryptography
import FuzzSupport
import LinkProtocol

/// A board's Bluetooth host above a controller that keeps to HCI or not, before a central that says anything.
///
/// Whatever comes in, the host's packets are well formed, it uses no more buffers than the controller has, and the frames
/// that it takes are within bounds.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBluetooth(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var input = FuzzInput(start, count)
  let board = BluetoothVictim(choices: input.byte())
  while !input.isEmpty { board.step(&input) }
  return 0
}

/// A host and the controller below it.
private final class BluetoothVictim {
  private static let handle: UInt16 = 0x41
  private static let buffers = 3
  private static let bufferLength = 30

  private var host: BLEHost
  private var packet = BoundedBytes(capacity: BLEHost.recommendedPacketCapacity)
  private var frame = BoundedBytes(capacity: 400)
  private var now = Timestamp(microseconds: 1)
  private var inFlight = 0
  /// Once the controller itself has said anything, it cannot be counted upon.
  private var isController = true

  init(choices: UInt8) {
    var configuration = BLEHostConfiguration(
      texts: DeviceTexts(
        name: ShortText("name"), manufacturer: ShortText("maker"), model: ShortText("model"),
        firmware: ShortText("1"), hardware: ShortText("1")),
      address: DeviceAddress(kind: .random, value: 0xc000_0000_0001), board: 1)
    configuration.maximumFrame = 400
    configuration.inboxCapacity = 900
    configuration.maximumMTU = choices & 1 == 0 ? 23 : 517
    configuration.dataRequirement = choices & 2 == 0 ? .none : .encrypted
    host = BLEHost(configuration: configuration, seed: .zero)
    host.pairingPolicy =
      switch choices >> 2 & 3 {
      case 0: .refused
      case 1: .justWorks
      case 2: .displayedPasskey
      default: .cable(CableSecret(.zero))
      }
    host.start(now: now)
    drain()
    receive([4, 0x3e, 19, 1, 0, 0x41, 0, 1, 0, 2, 0, 0, 0xee, 0xff, 0xc0, 40, 0, 0, 0, 42, 0, 0])
    drain()
  }

  func step(_ input: inout FuzzInput) {
    switch input.byte() % 12 {
    case 0:
      // Any event but those about the controller's health and buffers.
      let body = input.take(Int(input.byte() & 31))
      isController = false
      receive([4, input.byte(), UInt8(body.count)] + body)
    case 1: data(4, input.body())
    case 2: data(5, input.body())
    case 3: data(6, input.body())
    case 4: data(0x40, input.body())
    case 5:
      // A piece of a PDU, begun or gone on with.
      let piece = input.take(Int(input.byte() & 63))
      acl(piece, flags: input.byte() & 3)
    case 6:
      let sent = input.body()
      host.send(frame: sent.span)
    case 7:
      while host.takeFrame(into: &frame) { require(frame.count <= 400, "a frame longer than announced") }
    case 8:
      now = now + UInt64(input.byte()) * .seconds(1)
      host.timeOut(now: now)
    case 9: complete()
    case 10: if input.byte() & 7 == 0 { _ = host.work(now: now) }
    default: drain()
    }
  }

  private func receive(_ octets: [UInt8]) {
    host.received(hciPacket: octets.span, now: now)
    while host.takeEvent() != nil {}
  }

  private func data(_ channel: UInt8, _ payload: [UInt8]) {
    acl([UInt8(payload.count & 255), UInt8(payload.count >> 8), channel, 0] + payload, flags: 2)
  }

  private func acl(_ data: [UInt8], flags: UInt8) {
    receive([2, 0x41, flags << 4, UInt8(data.count & 255), UInt8(data.count >> 8)] + data)
  }

  private func complete() {
    receive([4, 0x13, 5, 1, 0x41, 0, UInt8(inFlight), 0])
    inFlight = 0
  }

  /// Takes what the host says, and answers commands.
  private func drain() {
    while host.nextHCIPacket(into: &packet, now: now) {
      let octets = packet.copied()
      require(octets.count >= 4, "a packet without a header")
      switch octets[0] {
      case 1:
        require(octets.count == 4 + Int(octets[3]), "a command of another length than it says")
        receive(
          [4, 0x0e, 68, 1, octets[1], octets[2], 0, UInt8(Self.bufferLength), 0, UInt8(Self.buffers)]
            + [UInt8](repeating: 0, count: 61))
      case 2:
        let length = Int(octets[3]) | Int(octets[4]) << 8
        require(octets.count == 5 + length && length > 0, "an ACL packet of another length than it says")
        inFlight += 1
        if isController {
          require(length <= Self.bufferLength, "an ACL packet longer than the controller takes")
          require(inFlight <= Self.buffers, "more ACL packets than the controller has buffers")
        }
      default:
        require(false, "a packet of a type that no host sends")
      }
    }
  }
}
