import BLEHost
import BLESecurity
import Bytes
import Cryptography
import LinkProtocol
import Testing

@testable import BLELinkLayer

/// The host of the board above its link layer: what goes over H4 to any other controller goes here from one to the
/// other.
private final class JoinedHost: TestHost {
  private(set) var host: BLEHost
  private var upward = BoundedBytes(capacity: LinkLayer<MeteredEncryption>.packetCapacity)
  private var downward = BoundedBytes(capacity: BLEHost.recommendedPacketCapacity)
  private(set) var events: [HostEvent] = []
  private(set) var frames: [[UInt8]] = []
  private var frame = BoundedBytes(capacity: 1040)
  private var hasStarted = false
  static let key = Block128(0x0102_0304, 0x0506_0708, 0x090a_0b0c, 0x0d0e_0f10)

  init() {
    var configuration = BLEHostConfiguration(
      texts: DeviceTexts(
        name: ShortText("FedBridge 00000000C0FFEE01"), manufacturer: ShortText("FedBridge"),
        model: ShortText("Nano 33 BLE Sense"), firmware: ShortText("0.1.0"), hardware: ShortText("virtual")),
      address: DeviceAddress(kind: .random, value: 0xc0ff_ee00_0001), board: 0xc0ff_ee01)
    configuration.advertisingInterval = 32
    configuration.dataRequirement = .encrypted
    host = BLEHost(configuration: configuration, seed: .zero)
    let peer = DeviceAddress(kind: .random, value: 0xc0ff_ee00_0002)
    host.setBond(
      BondedPeer(
        bond: Bond(
          peerIdentity: peer, peerResolvingKey: .zero, longTermKey: Self.key, isAuthenticated: true),
        configuration: .none), at: 0)
  }

  func pump(_ layer: inout LinkLayer<MeteredEncryption>, clock: Int64, radio: RadioTime) {
    let now = Timestamp(microseconds: UInt64(clock / 1000) + 1)
    if !hasStarted {
      hasStarted = true
      host.start(now: now)
    }
    host.timeOut(now: now)
    var goesOn = true
    while goesOn {
      goesOn = false
      while layer.nextHCIPacket(into: &upward) {
        let packet = upward.copied()
        host.received(hciPacket: packet.span, now: now)
        goesOn = true
      }
      while host.nextHCIPacket(into: &downward, now: now) {
        let packet = downward.copied()
        layer.received(hciPacket: packet.span, now: radio)
        goesOn = true
      }
      while let event = host.takeEvent() { events.append(event) }
      while host.takeFrame(into: &frame) { frames.append(frame.copied()) }
    }
  }

  func send(frame: [UInt8]) { host.send(frame: frame.span) }
  var canSend: Bool { host.canSendFrame }
}

struct JoinedHostTests {
  /// L2CAP PDUs that came from the peripheral: channel and payload.
  private static func pdus(_ world: World) -> [(channel: UInt16, payload: [UInt8])] {
    var pdus: [[UInt8]] = []
    for (kind, payload) in world.central.received where kind != 3 {
      if kind == 2 { pdus.append(payload) } else if !pdus.isEmpty { pdus[pdus.count - 1] += payload }
    }
    return pdus.map { (UInt16($0[2]) | UInt16($0[3]) << 8, Array($0[4...])) }
  }

  private static func send(_ world: World, _ channel: UInt16, _ payload: [UInt8]) {
    let pdu =
      world.central.octets(UInt64(payload.count), 2) + world.central.octets(UInt64(channel), 2) + payload
    for start in stride(from: 0, to: pdu.count, by: 27) {
      world.central.queue.append((start == 0 ? 2 : 1, Array(pdu[start..<min(start + 27, pdu.count)])))
    }
  }

  /// The host gets from reset to frames in both directions over an encrypted channel, with loss on the air.
  @Test(arguments: [0.0, 0.2]) func carriesFrames(loss: Double) throws {
    let joined = JoinedHost()
    let world = World(seed: 11, centralDrift: 100, host: joined)
    world.central.timeout = 400
    world.run(for: 100_000)
    let facts = joined.host.controller
    #expect(facts.aclLength == 251 && facts.aclCount == 4)
    guard case .started = joined.events.first else {
      Issue.record("not started")
      return
    }
    world.central.role = .initiating
    #expect(world.run { world.central.answeredEvents > 2 })
    world.faults.loss = loss
    #expect(joined.events.contains(.connected(DeviceAddress(kind: .random, value: 0xc0ff_ee00_0002))))

    // What centrals do first: features, version, and a larger MTU.
    world.central.send(control: [8] + world.central.octets(LinkFeatures.all.rawValue, 8))
    world.central.sendVersion()
    Self.send(world, 4, [2, 0x05, 0x02])
    #expect(world.run { Self.pdus(world).contains { $0.payload.first == 3 } })
    #expect(world.central.controls(9).count == 1)
    #expect(world.central.controls(0x0c).count == 1)
    // The host wished for long packets when it set up: the link layer asked for them.
    #expect(world.run { world.central.controls(0x14).count == 1 })

    world.central.encryption.identifier = [UInt8](repeating: 0, count: 10)
    world.central.encryption.begin(world.central, key: (0..<16).map { JoinedHost.key[byte: $0] })
    #expect(world.run { joined.events.contains(.encrypted(isAuthenticated: true)) })

    // An LE credit-based channel: PSM 0x0080, our channel 0x0050, MTU 1040, MPS 247, 100 credits.
    Self.send(world, 5, [0x14, 7, 10, 0, 0x80, 0, 0x50, 0, 0x10, 0x04, 0xf7, 0, 100, 0])
    #expect(world.run { joined.events.contains(.carrierOpened(.l2cap)) })
    #expect(world.run { Self.pdus(world).contains { $0.channel == 5 && $0.payload[0] == 0x15 } })
    let response = try #require(Self.pdus(world).last { $0.channel == 5 && $0.payload[0] == 0x15 })
    let channel = UInt16(response.payload[4]) | UInt16(response.payload[5]) << 8
    #expect(response.payload[12] == 0)

    let down = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    Self.send(world, channel, world.central.octets(UInt64(down.count), 2) + down)
    #expect(world.run { joined.frames == [down] })

    let up = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 5 &+ 1) }
    #expect(joined.canSend)
    joined.send(frame: up)
    let segments = { Self.pdus(world).filter { $0.channel == 0x50 }.flatMap(\.payload) }
    #expect(world.run { segments().count >= 1002 })
    #expect(segments() == [0xe8, 0x03] + up)

    // It asks for quick parameters by the way that is there: over L2CAP.
    #expect(Self.pdus(world).contains { $0.channel == 5 && $0.payload[0] == 0x12 })
    world.central.startUpdate(interval: 12, timeout: 400)
    world.run(for: 2_000_000)
    #expect(world.central.encryption.micFailures == 0)

    // The peer goes, and the board can be found again.
    world.central.send(control: [2, 0x13])
    #expect(world.run { joined.events.contains(.disconnected(reason: 0x13)) })
    world.central.disconnect()
    let count = world.central.advertisements.count
    world.run(for: 1_000_000)
    #expect(world.central.advertisements.count > count + 20)
  }
}
