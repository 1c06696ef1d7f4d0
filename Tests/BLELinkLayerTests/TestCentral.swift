import Cryptography

@testable import BLELinkLayer

/// A central, played from a script: its own link layer, as far as a peripheral can see it. It answers procedures as any
/// central does unless it is told not to, and sends whatever a test wants.
final class TestCentral {
  /// As they go over the air, least significant octet first.
  static let peripheralAddress: [UInt8] = [0x01, 0x00, 0x00, 0xee, 0xff, 0xc0]
  static let address: [UInt8] = [0x02, 0x00, 0x00, 0xee, 0xff, 0xc0]

  enum Role { case idle, scanning, initiating, connected }

  // What the request to connect says.
  var accessAddress: UInt32 = 0x5065_5d71
  var crcInit: UInt32 = 0x12_3456
  var interval: UInt16 = 24
  var latency: UInt16 = 0
  var timeout: UInt16 = 100
  var windowSize: UInt8 = 2
  var windowOffset: UInt16 = 3
  var hop: UInt8 = 7
  /// Worst case that it says its clock has, as coded: 0 is 500 ppm, 7 is 20 ppm.
  var clockAccuracy: UInt8 = 0
  var map = ChannelMap.all
  var usesChannelSelection2 = false
  /// Where in the transmit window it begins, in µs.
  var windowUse: Int64 = 700

  let drift: Int64
  var role = Role.idle
  private(set) var nextAnchor: Int64?
  private(set) var counter: UInt16 = 0
  private var selection = ChannelSelection.first(hop: 5, last: 0)
  var receivePHY = PHY.oneMegabit
  var transmitPHY = PHY.oneMegabit
  private(set) var scanResponses: [[UInt8]] = []
  private(set) var advertisements: [[UInt8]] = []

  // The data channel.
  private var sequence: UInt8 = 0
  private var expected: UInt8 = 0
  private var outstanding: [UInt8]?
  /// PDUs that wait: LLID and payload, in clear text.
  var queue: [(kind: UInt8, payload: [UInt8])] = []
  private(set) var received: [(kind: UInt8, payload: [UInt8])] = []
  private(set) var eventCount = 0
  private(set) var answeredEvents = 0
  /// Packets that go out as they are, before anything else, sequence bits included.
  var rawPackets: [[UInt8]] = []
  var isSilent = false
  /// Most packets of an event.
  var packetsPerEvent = 100

  // Procedures.
  var answersProcedures = true
  var features = LinkFeatures.all
  var lengths = DataLengths(receive: 251, receiveTime: 2120, transmit: 251, transmitTime: 2120)
  var update: (instant: UInt16, offset: UInt16, use: Int64, interval: UInt16)?
  var newMap: (map: ChannelMap, instant: UInt16)?
  var newPHYs: (toPeripheral: PHY, toCentral: PHY, instant: UInt16)?
  var encryption = CentralEncryption()

  init(drift: Int64) { self.drift = drift }

  /// Nanoseconds of the world in which `microseconds` pass on the central's clock.
  private func passing(_ microseconds: Int64) -> Int64 {
    microseconds * 1000 * 1_000_000 / (1_000_000 + drift)
  }

  // MARK: Advertising channels

  func answer(toAdvertisement octets: [UInt8]) -> [UInt8]? {
    advertisements.append(octets)
    switch role {
    case .scanning: return [0xc3, 12] + Self.address + Self.peripheralAddress
    case .initiating: return connectRequest
    case .idle, .connected: return nil
    }
  }

  var connectRequest: [UInt8] {
    let type: UInt8 = 0xc5 | (usesChannelSelection2 ? 0x20 : 0)
    var octets: [UInt8] = [type, 34] + Self.address + Self.peripheralAddress
    func append(_ value: UInt64, _ width: Int) {
      for i in 0..<width { octets.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * i))) }
    }
    append(UInt64(accessAddress), 4)
    append(UInt64(crcInit), 3)
    append(UInt64(windowSize), 1)
    append(UInt64(windowOffset), 2)
    append(UInt64(interval), 2)
    append(UInt64(latency), 2)
    append(UInt64(timeout), 2)
    append(map.bits, 5)
    append(UInt64(hop | clockAccuracy << 5), 1)
    return octets
  }

  func received(reply: [UInt8]) { scanResponses.append(reply) }

  func connected(requestEnd: Int64, _ world: World) {
    role = .connected
    nextAnchor = requestEnd + passing(1250 + Int64(windowOffset) * 1250 + windowUse)
    counter = 0
    // Both sides must have said that they can.
    selection =
      usesChannelSelection2 && (advertisements.last ?? [0])[0] & 0x20 != 0
      ? .second(accessAddress: accessAddress) : .first(hop: hop, last: 0)
    selection.advance()
    sequence = 0
    expected = 0
    outstanding = nil
    receivePHY = .oneMegabit
    transmitPHY = .oneMegabit
    encryption = CentralEncryption()
  }

  func disconnect() {
    role = .idle
    nextAnchor = nil
  }

  // MARK: Connection events

  func runEvent(in world: World) {
    guard let anchor = nextAnchor else { return }
    eventCount += 1
    let channel = selection.channel(counter: counter, map: map)
    let last = anchor + passing(Int64(interval) * 1250 - 500)
    var packets = 0
    var goesOn = !isSilent
    while goesOn {
      let packet = nextPacket(hasTime: packets + 1 < packetsPerEvent)
      let phy = transmitPHY
      let pair = Int64(phy.duration(length: packet[1]) + receivePHY.duration(length: 0) + 300) * 1000
      guard packets == 0 || world.now + pair < last else { break }
      packets += 1
      let reply = world.send(packet, on: channel, phy, header: (accessAddress, crcInit))
      guard let reply else { break }
      if packets == 1 { answeredEvents += 1 }
      goesOn = packet[0] & 0x10 != 0
      if reply.isIntact {
        goesOn = goesOn || reply.octets[0] & 0x10 != 0
        take(reply.octets)
      }
      goesOn = goesOn && packets < packetsPerEvent
      world.now += 150_000
    }
    world.peripheral.eventEnded(world.now)
    advance(from: anchor)
  }

  private func advance(from anchor: Int64) {
    guard role == .connected else { return }
    counter &+= 1
    selection.advance()
    var next = anchor + passing(Int64(interval) * 1250)
    if let update, update.instant == counter {
      next += passing(Int64(update.offset) * 1250 + update.use)
      interval = update.interval
      self.update = nil
    }
    if let newMap, newMap.instant == counter {
      map = newMap.map
      self.newMap = nil
    }
    if let newPHYs, newPHYs.instant == counter {
      transmitPHY = newPHYs.toPeripheral
      receivePHY = newPHYs.toCentral
      self.newPHYs = nil
    }
    nextAnchor = next
  }

  private func nextPacket(hasTime: Bool) -> [UInt8] {
    if !rawPackets.isEmpty { return rawPackets.removeFirst() }
    if outstanding == nil {
      if let index = queue.firstIndex(where: { $0.kind == 3 || !encryption.isBusy }) {
        let (kind, payload) = queue.remove(at: index)
        let sealed = encryption.seal(payload, kind: kind)
        outstanding = [kind, UInt8(sealed.count)] + sealed
      } else {
        outstanding = [1, 0]
      }
    }
    var packet = outstanding!
    packet[0] |= expected << 2 | sequence << 3 | (!queue.isEmpty && hasTime ? 0x10 : 0)
    return packet
  }

  private func take(_ octets: [UInt8]) {
    if octets[0] >> 2 & 1 != sequence {
      sequence ^= 1
      outstanding = nil
    }
    guard octets[0] >> 3 & 1 == expected else { return }
    expected ^= 1
    guard octets[1] > 0, let payload = encryption.open(Array(octets[2...]), header: octets[0]) else { return }
    received.append((octets[0] & 3, payload))
    if octets[0] & 3 == 3 { control(payload) }
  }

  // MARK: Procedures

  func send(control payload: [UInt8]) { queue.append((3, payload)) }

  /// PDUs of this opcode that came.
  func controls(_ opcode: UInt8) -> [[UInt8]] {
    received.filter { $0.kind == 3 && $0.payload[0] == opcode }.map(\.payload)
  }

  private func control(_ payload: [UInt8]) {
    if encryption.control(payload, self) { return }
    if encryption.isBusy, [0x0c, 0x0e, 0x14, 0x16].contains(payload[0]) {
      // Nothing else may be answered now (Core specification, Vol 6 Part B §5.1.3.1).
      send(control: [0x11, payload[0], 0x2a])
      return
    }
    guard answersProcedures else { return }
    switch payload[0] {
    case 0x0e: send(control: [9] + octets(features.rawValue, 8))
    case 0x0c where controls(0x0c).count == 1 && !sentVersion: sendVersion()
    case 0x14: send(control: [0x15] + octets(of: lengths))
    case 0x16: startPHYs(toPeripheral: .twoMegabit, toCentral: .twoMegabit)
    case 0x02: disconnectSoon = true
    default: break
    }
  }

  private(set) var disconnectSoon = false
  private var sentVersion = false

  func sendVersion() {
    sentVersion = true
    send(control: [0x0c, 9, 0xf1, 0x05, 0x34, 0x12])
  }

  func sendLengths() { send(control: [0x14] + octets(of: lengths)) }

  func startPHYs(toPeripheral: PHY, toCentral: PHY, in events: UInt16 = 8) {
    let instant = counter &+ events
    newPHYs = (toPeripheral, toCentral, instant)
    send(control: [0x18, toPeripheral.rawValue, toCentral.rawValue] + octets(UInt64(instant), 2))
  }

  func startUpdate(
    interval: UInt16, latency: UInt16 = 0, timeout: UInt16 = 100, offset: UInt16 = 2, windowSize: UInt8 = 2,
    use: Int64 = 1100, in events: UInt16 = 8
  ) {
    let instant = counter &+ events
    update = (instant, offset, use, interval)
    send(
      control: [0, windowSize] + octets(UInt64(offset), 2) + octets(UInt64(interval), 2)
        + octets(UInt64(latency), 2) + octets(UInt64(timeout), 2) + octets(UInt64(instant), 2))
  }

  func startMap(_ map: ChannelMap, in events: UInt16 = 8) {
    let instant = counter &+ events
    newMap = (map, instant)
    send(control: [1] + octets(map.bits, 5) + octets(UInt64(instant), 2))
  }

  func octets(_ value: UInt64, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  private func octets(of lengths: DataLengths) -> [UInt8] {
    [lengths.receive, lengths.receiveTime, lengths.transmit, lengths.transmitTime].flatMap {
      octets(UInt64($0), 2)
    }
  }
}
