import PropertyTesting
import Testing

@testable import BLELinkLayer

/// Whole lives of connections: everything that may happen, at any time and all at once, on an air that loses.
struct LifeTests {
  private static func key(_ number: UInt8) -> [UInt8] { (0..<16).map { $0 &* 31 &+ number } }

  /// What the central does now and then.
  private static func meddle(_ world: World, _ generator: inout SeededGenerator, _ keys: inout UInt8) {
    let central = world.central
    // Instants are far enough away for what is lost on the way.
    let isQuiet =
      !central.encryption.isBusy && central.update == nil && central.newMap == nil && central.newPHYs == nil
    switch Int.random(in: 0..<12, using: &generator) {
    case 0 where isQuiet:
      let interval = UInt16.random(in: 6...40, using: &generator)
      central.startUpdate(
        interval: interval, latency: UInt16.random(in: 0...2, using: &generator), timeout: 1000,
        offset: UInt16.random(in: 0...interval, using: &generator),
        windowSize: UInt8.random(in: 2...5, using: &generator),
        use: Int64.random(in: 0...2400, using: &generator), in: 60)
    case 1 where isQuiet:
      central.startMap(ChannelMap(bits: generator.next() | 0x8_0000_0101), in: 60)
    case 2 where isQuiet:
      central.startPHYs(
        toPeripheral: generator.chance(0.5) ? .oneMegabit : .twoMegabit,
        toCentral: generator.chance(0.5) ? .oneMegabit : .twoMegabit, in: 60)
    case 3 where isQuiet:
      keys &+= 1
      world.host.key = key(keys).reversed()
      central.encryption.begin(central, key: key(keys))
    case 4 where !central.encryption.isBusy:
      central.lengths.transmit = UInt16.random(in: 27...251, using: &generator)
      central.lengths.receive = UInt16.random(in: 27...251, using: &generator)
      central.sendLengths()
    case 5 where !central.encryption.isBusy: central.send(control: [0x12])
    case 6 where !central.encryption.isBusy: central.send(control: [8, 0x3f, 0x41, 0, 0, 0, 0, 0, 0])
    case 7: world.host.command(0x2016, [1, 0])
    case 8: world.host.command(0x041d, [1, 0])
    case 9:
      world.host.command(0x2022, [1, 0, UInt8.random(in: 27...251, using: &generator), 0, 0x48, 8])
    case 10: world.host.isBusy = true
    default: world.faults.loss = [0, 0.1, 0.3][Int.random(in: 0..<3, using: &generator)]
    }
  }

  @Test(arguments: 0..<12 as Range<UInt64>) func everythingArrivesWhateverHappens(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let world = World.connected(
      seed: seed, peripheralDrift: Int64.random(in: -40...40, using: &generator),
      centralDrift: Int64.random(in: -500...500, using: &generator)
    ) {
      $0.timeout = 1000
      $0.usesChannelSelection2 = seed % 2 == 1
    }
    world.keepsAired = false
    world.faults.corruption = 0.03
    var up: [UInt8] = []
    var down: [[UInt8]] = []
    var sent = 0
    var keys: UInt8 = 0
    for step in 0..<200 {
      world.host.isBusy = false
      if step % 4 == 0 { Self.meddle(world, &generator, &keys) }
      if world.host.outgoing.count < 10 {
        let octets = (0..<Int.random(in: 1...251, using: &generator)).map {
          UInt8(truncatingIfNeeded: step &+ $0)
        }
        world.host.send(octets)
        up += octets
        sent += 1
      }
      if world.central.queue.count < 10 {
        down.append([UInt8(truncatingIfNeeded: step), UInt8(truncatingIfNeeded: step >> 8)])
        world.central.queue.append((2, down.last!))
      }
      world.run(for: 40_000)
    }
    world.faults = AirFaults()
    world.host.isBusy = false
    _ = world.run(atMost: 60_000_000, step: 200_000) { world.host.completed == sent }
    world.run(for: 2_000_000)
    #expect(world.host.disconnectReason == nil, "seed \(seed)")
    #expect(world.delivered == down, "seed \(seed)")
    #expect(Array(world.uploaded.joined()) == up, "seed \(seed)")
    #expect(world.central.encryption.micFailures == 0, "seed \(seed)")
    let refreshes = world.host.events.filter { $0[1] == 0x08 || $0[1] == 0x30 }.count
    #expect(refreshes == Int(keys) || world.central.encryption.isBusy, "seed \(seed)")
    #expect(world.peripheral.lateCommands == 0)
  }
}
