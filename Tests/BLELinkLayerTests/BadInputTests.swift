import Bytes
import PropertyTesting
import Testing

@testable import BLELinkLayer

/// Peers that send anything.
struct BadInputTests {
  /// Control PDUs of every opcode, cut and drawn out, with any content: nothing traps, nothing hangs, and whoever
  /// connects next is served.
  @Test(arguments: 0..<40 as Range<UInt64>) func survivesAnyControlPDU(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let world = World.connected(seed: seed) { $0.answersProcedures = seed % 2 == 0 }
    world.keepsAired = false
    world.host.key = [UInt8](repeating: 1, count: 16)
    for round in 0..<60 {
      let opcode = UInt8.random(in: 0...0x2a, using: &generator)
      let length =
        generator.chance(0.7) ? Self.usualLength(opcode) : Int.random(in: 0...60, using: &generator)
      var payload = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      if !payload.isEmpty { payload[0] = opcode }
      // An instant that is to come, mostly.
      if [0, 1, 0x18].contains(opcode), length >= 2, generator.chance(0.8) {
        payload[(length - 2)...] = world.central.octets(UInt64(world.central.counter &+ 9), 2)[...]
      }
      world.central.send(control: payload)
      world.central.queue.append((UInt8.random(in: 0...3, using: &generator), [UInt8(round)]))
      if generator.chance(0.3) { world.host.send([UInt8(round)]) }
      world.run(for: Int64.random(in: 1000...90_000, using: &generator))
      if world.host.disconnectReason != nil { break }
    }
    world.central.disconnect()
    world.central.queue = []
    world.central.answersProcedures = true
    world.central.interval = 24
    _ = world.run(atMost: 35_000_000) { world.host.disconnectReason != nil }
    #expect(world.host.disconnectReason != nil, "seed \(seed)")
    world.central.role = .initiating
    world.host.command(0x200a, [1])
    let answered = world.central.answeredEvents
    #expect(world.run { world.central.answeredEvents > answered + 20 }, "seed \(seed)")
    let count = world.delivered.count
    world.central.queue = [(2, [42])]
    world.run(for: 500_000)
    #expect(world.delivered.count == count + 1, "seed \(seed)")
  }

  private static func usualLength(_ opcode: UInt8) -> Int {
    switch opcode {
    case 0: 12
    case 1: 8
    case 2, 7, 0x0d: 2
    case 3: 23
    case 8, 9, 0x0e, 0x14, 0x15: 9
    case 0x0c: 6
    case 0x11, 0x16, 0x17: 3
    case 0x18: 5
    default: 1
    }
  }

  /// Raw packets with any header, as long as they may be and longer.
  @Test(arguments: 0..<30 as Range<UInt64>) func survivesAnyPacket(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let world = World.connected(seed: seed)
    world.keepsAired = false
    for _ in 0..<100 {
      let length = UInt8.random(in: 0...255, using: &generator)
      let header = UInt8.random(in: 0...255, using: &generator)
      let octets = (0..<Int(length)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      world.central.rawPackets.append([header, length] + octets)
    }
    world.run(for: 5_000_000)
    #expect(world.peripheral.with { $0.air.badCRC } == 0)
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func survivesAnyRequestToConnect(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let valid = TestCentral(drift: 0).connectRequest
    for _ in 0..<2000 {
      var octets = valid
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        octets[Int.random(in: 14..<36, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      guard let request = ConnectRequest(parsing: octets.span) else { continue }
      var timing = ConnectionTiming(
        request, end: RadioTime(microseconds: 0xffff_f000), ownAccuracy: 40, hasChannelSelection2: true)
      for _ in 0..<5 {
        #expect(request.channelMap.contains(timing.channel))
        #expect(timing.widening >= 16 && timing.widening < request.parameters.intervalTime / 2)
        timing.advance()
      }
    }
  }

  @Test func aPacketLongerThanAllowedIsABadOne() {
    var configuration = LinkLayerConfiguration()
    configuration.features.remove(.dataLength)
    let world = World.connected(configuration: configuration)
    world.central.rawPackets = [[2, 200] + [UInt8](repeating: 1, count: 200)]
    world.run(for: 300_000)
    #expect(world.peripheral.with { $0.air.badCRC } == 1)
    #expect(world.delivered.isEmpty)
  }

  @Test func reservedKindsOfPacketsAreDropped() {
    let world = World.connected()
    world.central.queue = [(0, [1, 2, 3]), (2, [4])]
    world.run(for: 300_000)
    #expect(world.delivered == [[4]])
    #expect(world.peripheral.with { $0.counters.violations } == 1)
  }
}
