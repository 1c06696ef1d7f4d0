import BLESecurity
import Bytes
import Cryptography
import LinkProtocol
import PropertyTesting

@testable import BLEHost

/// What came out of a host on one channel.
struct SentPDU: Equatable {
  var channel: UInt16
  var payload: [UInt8]
}

/// A controller and a central in one, played by hand: takes the host's packets as a controller does and checks that
/// they keep within what a controller allows.
final class Bench {
  static let handle: UInt16 = 0x0041

  private(set) var host: BLEHost
  var now = Timestamp(microseconds: 1_000_000)

  // What the controller is like.
  var aclLength = 27
  var aclCount = 4
  var features: UInt64 = 0x21
  /// Octets 0… of the supported commands; all others are zero.
  var supportedCommands: [Int: UInt8] = [24: 0x40, 34: 0x01, 35: 0x20]
  /// Commands answered with this status instead.
  var refusals: [UInt16: UInt8] = [:]
  var isMute = false
  /// Whether packets go over the air at once, so that their buffers are free again.
  var completesAtOnce = true
  var packetCapacity = BLEHost.recommendedPacketCapacity

  // What it saw.
  private(set) var commands: [(opcode: UInt16, parameters: [UInt8])] = []
  private(set) var pdus: [SentPDU] = []
  private(set) var events: [HostEvent] = []
  private(set) var inFlight = 0
  private(set) var mostInFlight = 0
  private var partial: [UInt8] = []

  init(_ configuration: BLEHostConfiguration = Bench.configuration()) {
    host = BLEHost(configuration: configuration, seed: .zero)
  }

  static func configuration(
    requirement: SecurityRequirement = .none, change: (inout BLEHostConfiguration) -> Void = { _ in }
  ) -> BLEHostConfiguration {
    var configuration = BLEHostConfiguration(
      texts: DeviceTexts(
        name: ShortText("FedBridge 00000000C0FFEE01"), manufacturer: ShortText("FedBridge"),
        model: ShortText("Nano 33 BLE Sense"), firmware: ShortText("0.1.0"), hardware: ShortText("virtual")),
      address: DeviceAddress(kind: .random, value: 0xc0ff_ee00_0001), board: 0xc0ff_ee01)
    configuration.dataRequirement = requirement
    change(&configuration)
    return configuration
  }

  /// A bench whose host is set up and advertises.
  static func started(_ configuration: BLEHostConfiguration = Bench.configuration()) -> Bench {
    let bench = Bench(configuration)
    bench.start()
    return bench
  }

  /// A bench whose host is connected.
  static func connected(_ configuration: BLEHostConfiguration = Bench.configuration()) -> Bench {
    let bench = started(configuration)
    bench.connect()
    return bench
  }

  func with<Result>(_ body: (inout BLEHost) -> Result) -> Result {
    let result = body(&host)
    pump()
    return result
  }

  func start() {
    host.start(now: now)
    pump()
  }

  // MARK: The controller

  /// Takes everything that the host has to send.
  func pump() {
    var packet = BoundedBytes(capacity: packetCapacity)
    while host.nextHCIPacket(into: &packet, now: now) { take(packet.copied()) }
    while let event = host.takeEvent() { events.append(event) }
  }

  private func take(_ packet: [UInt8]) {
    switch packet[0] {
    case 1:
      precondition(packet.count == 4 + Int(packet[3]), "a command of another length than it says")
      let opcode = UInt16(packet[1]) | UInt16(packet[2]) << 8
      commands.append((opcode, Array(packet[4...])))
      if !isMute { answer(opcode) }
    case 2:
      let length = Int(packet[3]) | Int(packet[4]) << 8
      precondition(packet.count == 5 + length, "an ACL packet of another length than it says")
      precondition(length <= aclLength, "an ACL packet longer than the controller takes")
      inFlight += 1
      mostInFlight = max(mostInFlight, inFlight)
      precondition(inFlight <= aclCount, "more ACL packets than the controller has buffers")
      let isStart = packet[2] >> 4 & 3 == 0
      precondition(isStart == partial.isEmpty, "a PDU is cut into by another one")
      partial += packet[5...]
      if partial.count >= 4, partial.count == 4 + Int(partial[0]) + Int(partial[1]) << 8 {
        pdus.append(
          SentPDU(channel: UInt16(partial[2]) | UInt16(partial[3]) << 8, payload: Array(partial[4...])))
        partial = []
      }
      if completesAtOnce { complete(1) }
    default:
      preconditionFailure("a packet of type \(packet[0])")
    }
  }

  private func answer(_ opcode: UInt16) {
    if let status = refusals[opcode] { return commandComplete(opcode, [status]) }
    switch opcode {
    case 0x1001: commandComplete(opcode, [0, 9, 0, 0, 9, 0x0f, 0, 0, 0])
    case 0x1002:
      var octets = [UInt8](repeating: 0, count: 64)
      for (at, value) in supportedCommands { octets[at] = value }
      commandComplete(opcode, [0] + octets)
    case 0x1003: commandComplete(opcode, [0, 0, 0, 0, 0, 0x40, 0, 0, 0])
    case 0x1009: commandComplete(opcode, [0, 1, 0, 0, 0xee, 0xff, 0xc0])
    case 0x2002: commandComplete(opcode, [0, UInt8(aclLength & 255), UInt8(aclLength >> 8), UInt8(aclCount)])
    case 0x1005: commandComplete(opcode, [0, 27, 0, 0, 4, 0, 0, 0])
    case 0x2003:
      commandComplete(opcode, [0] + (0..<8).map { UInt8(truncatingIfNeeded: features >> (8 * $0)) })
    case 0x0406, 0x2013:
      event(0x0f, [0, 1, UInt8(opcode & 255), UInt8(opcode >> 8)])
    default: commandComplete(opcode, [0])
    }
  }

  func commandComplete(_ opcode: UInt16, _ parameters: [UInt8]) {
    event(0x0e, [1, UInt8(opcode & 255), UInt8(opcode >> 8)] + parameters)
  }

  func event(_ code: UInt8, _ parameters: [UInt8]) {
    receive([4, code, UInt8(parameters.count)] + parameters)
  }

  /// Hands any packet to the host.
  func receive(_ packet: [UInt8]) {
    host.received(hciPacket: packet.span, now: now)
    while let event = host.takeEvent() { events.append(event) }
  }

  /// Says that packets went over the air.
  func complete(_ count: Int) {
    inFlight -= count
    event(0x13, [1, UInt8(Self.handle & 255), UInt8(Self.handle >> 8), UInt8(count), 0])
  }

  func advance(seconds: UInt64) {
    now = now + .seconds(seconds)
    host.timeOut(now: now)
    pump()
  }

  // MARK: The central

  func connect(interval: UInt16 = 40) {
    event(
      0x3e,
      [
        1, 0, UInt8(Self.handle & 255), UInt8(Self.handle >> 8), 1, 0, 2, 0, 0, 0xee, 0xff, 0xc0,
        UInt8(interval & 255), UInt8(interval >> 8), 0, 0, 42, 0, 0,
      ])
    pump()
  }

  func disconnect(reason: UInt8 = 0x13) {
    partial = []
    inFlight = 0
    event(0x05, [0, UInt8(Self.handle & 255), UInt8(Self.handle >> 8), reason])
    pump()
  }

  static let peer = DeviceAddress(kind: .publicDevice, value: 0xc0ff_ee00_0002)

  /// A bond with the central that ``connect(interval:)`` is.
  static func bond(isAuthenticated: Bool = true) -> BondedPeer {
    BondedPeer(
      bond: Bond(
        peerIdentity: peer, peerResolvingKey: .zero, longTermKey: Block128(1, 2, 3, 4),
        isAuthenticated: isAuthenticated), configuration: .none)
  }

  /// The central encrypts, with the key that it has of the bond.
  func encrypt(random: UInt8 = 0) {
    event(0x3e, [5, 0x41, 0, random, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    pump()
    if commands.last?.opcode == 0x201a { encryptionChanged(isOn: true) }
  }

  func encryptionChanged(isOn: Bool) {
    event(0x08, [0, UInt8(Self.handle & 255), UInt8(Self.handle >> 8), isOn ? 1 : 0])
    pump()
  }

  /// Sends a PDU in fragments of these lengths, the last one repeated.
  func send(_ channel: UInt16, _ payload: [UInt8], fragments: [Int] = [27]) {
    let pdu =
      [
        UInt8(payload.count & 255), UInt8(payload.count >> 8), UInt8(channel & 255), UInt8(channel >> 8),
      ] + payload
    var at = 0
    var number = 0
    while at < pdu.count {
      let length = min(fragments[min(number, fragments.count - 1)], pdu.count - at)
      acl(Array(pdu[at..<at + length]), isStart: at == 0)
      at += length
      number += 1
    }
    pump()
  }

  func acl(_ data: [UInt8], isStart: Bool) {
    let flags: UInt16 = isStart ? 2 << 12 : 1 << 12
    let handle = Self.handle | flags
    receive(
      [2, UInt8(handle & 255), UInt8(handle >> 8), UInt8(data.count & 255), UInt8(data.count >> 8)] + data)
  }

  /// What the host has said on a channel since this was last asked.
  func takePDUs(_ channel: UInt16? = nil) -> [[UInt8]] {
    let taken = pdus.filter { channel == nil || $0.channel == channel }.map(\.payload)
    pdus.removeAll { channel == nil || $0.channel == channel }
    return taken
  }

  func takeEvents() -> [HostEvent] {
    defer { events = [] }
    return events
  }

  /// Sends an ATT request, and takes what comes back.
  func ask(_ request: [UInt8]) -> [UInt8] {
    send(4, request)
    let answers = takePDUs(4)
    precondition(answers.count <= 1, "more than one answer")
    return answers.first ?? []
  }

  /// Sends a signalling command, and takes its answer; what else the host says stays.
  func signal(_ code: UInt8, _ identifier: UInt8, _ data: [UInt8]) -> [UInt8] {
    let before = pdus.count
    send(5, [code, identifier, UInt8(data.count), 0] + data)
    let answers: Set<UInt8> = [0x01, 0x07, 0x15]
    guard
      let at = pdus[before...].firstIndex(where: {
        $0.channel == 5 && answers.contains($0.payload[0]) && $0.payload[1] == identifier
      })
    else { return [] }
    return pdus.remove(at: at).payload
  }

  /// Asks for a channel; the answer without its command header.
  func openChannel(
    psm: UInt16 = 0x80, source: UInt16 = 0x0050, mtu: UInt16 = 1040, mps: UInt16 = 100, credits: UInt16 = 100
  ) -> [UInt8] {
    var data: [UInt8] = []
    for value in [psm, source, mtu, mps, credits] { data += [UInt8(value & 255), UInt8(value >> 8)] }
    return Array(signal(0x14, 7, data).dropFirst(4))
  }

  /// All frames that wait in the host.
  func takeFrames() -> [[UInt8]] {
    var frame = BoundedBytes(capacity: 1200)
    var frames: [[UInt8]] = []
    while host.takeFrame(into: &frame) { frames.append(frame.copied()) }
    pump()
    return frames
  }

  func send(frame: [UInt8]) {
    host.send(frame: frame.span)
    pump()
  }

  var canSendFrame: Bool { host.canSendFrame }
  var carrier: BLECarrier? { host.carrier }
  var statistics: BLEStatistics { host.statistics }
}

/// `count` octets that nothing else says.
func octets(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
  (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
