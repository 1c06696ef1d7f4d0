import PropertyTesting
import Testing

@testable import BLELinkLayer

struct DataTests {
  /// Both hosts send at once, through an air that loses and corrupts: everything arrives once and in order.
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func everythingArrivesOnceAndInOrder(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let world = World.connected(seed: seed, peripheralDrift: 30, centralDrift: -200) {
      $0.interval = UInt16.random(in: 6...30, using: &generator)
      $0.timeout = 3200
      $0.usesChannelSelection2 = seed % 2 == 0
    }
    world.keepsAired = false
    world.faults.loss = Double(seed % 3) * 0.2
    world.faults.corruption = Double(seed % 4) * 0.1
    var up: [[UInt8]] = []
    var down: [[UInt8]] = []
    for index in 0..<400 {
      let length = Int.random(in: 1...27, using: &generator)
      let payload = (0..<length).map { UInt8(truncatingIfNeeded: index &+ $0 &* 3) }
      down.append(payload)
      world.central.queue.append((index % 5 == 0 ? 2 : 1, payload))
      let longer = (0..<Int.random(in: 1...251, using: &generator)).map {
        UInt8(truncatingIfNeeded: index ^ $0)
      }
      up.append(longer)
      world.host.send(longer, isFirst: index % 3 == 0)
    }
    let isDone = world.run(atMost: 400_000_000) {
      // Now and then the host is busy with something else.
      world.host.isBusy = generator.chance(0.2)
      return world.host.completed == 400 && world.delivered.count == 400
    }
    #expect(isDone, "seed \(seed)")
    #expect(world.delivered == down, "seed \(seed)")
    #expect(Array(world.uploaded.joined()) == Array(up.joined()), "seed \(seed)")
    #expect(world.host.disconnectReason == nil, "seed \(seed)")
    #expect(world.peripheral.with { $0.counters.badHostPackets } == 0)
  }

  @Test func cutsToTheLengthOfTheLink() {
    let world = World.connected()
    world.host.send([UInt8](repeating: 7, count: 60), isFirst: true)
    world.run(for: 1_000_000)
    let packets = world.central.received.filter { $0.kind != 3 }
    #expect(packets.map(\.kind) == [2, 1, 1])
    #expect(packets.map(\.payload.count) == [27, 27, 6])
    #expect(world.host.completed == 1)
  }

  @Test func tellsBeginningsFromContinuations() {
    let world = World.connected()
    world.central.queue = [(2, [1]), (1, [2]), (2, [3])]
    world.run(for: 500_000)
    #expect(world.host.data.map { $0[2] } == [0x20, 0x10, 0x20])
  }

  /// A host that takes nothing holds the peer back, and loses nothing.
  @Test func aBusyHostHoldsThePeerBack() {
    let world = World.connected { $0.timeout = 3200 }
    world.host.isBusy = true
    for i in 0..<50 { world.central.queue.append((2, [UInt8(i)])) }
    world.run(for: 3_000_000)
    #expect(world.central.queue.count > 40)
    #expect(world.peripheral.with { $0.air.refused } > 0)
    world.host.isBusy = false
    world.run(for: 3_000_000)
    #expect(world.delivered == (0..<50).map { [UInt8($0)] })
  }

  /// A packet that was not acknowledged goes out again as it was, but for the bits of its header that may change.
  @Test func sendsAgainWhatItSent() {
    let world = World.connected(seed: 9) { $0.timeout = 3200 }
    world.host.key = [UInt8](repeating: 0x5a, count: 16)
    world.central.encryption.begin(world.central, key: [UInt8](repeating: 0x5a, count: 16))
    #expect(world.run { world.central.encryption.phase == .on })
    world.faults.loss = 0.4
    for i in 0..<40 { world.host.send([UInt8](repeating: UInt8(i), count: 20)) }
    world.run(for: 20_000_000)
    #expect(world.uploaded.count == 40)
    var last: AiredPacket?
    var repeated = 0
    for packet in world.aired where !packet.fromCentral && packet.channel < 37 {
      // The same sequence number twice in a row is the same packet twice.
      if let last, last.octets[0] & 8 == packet.octets[0] & 8 {
        #expect(last.octets[1...] == packet.octets[1...])
        #expect(last.octets[0] & 0xe3 == packet.octets[0] & 0xe3)
        repeated += packet.octets[1] > 0 ? 1 : 0
      }
      last = packet
    }
    #expect(repeated > 10)
    #expect(world.central.encryption.micFailures == 0)
  }

  @Test func twoBadPacketsEndAnEvent() {
    let world = World.connected()
    world.faults.corruption = 1
    let start = world.aired.count
    world.central.packetsPerEvent = 5
    world.run(for: 300_000)
    // A bad packet is answered; the answer is bad as well, and so nobody goes on.
    let packets = world.aired[start...]
    #expect(packets.filter { !$0.fromCentral }.count <= packets.filter { $0.fromCentral }.count)
    world.faults.corruption = 0
    world.run(for: 500_000)
    #expect(world.host.disconnectReason == nil)
  }

  @Test func survivesJammedChannels() {
    let world = World.connected { $0.timeout = 300 }
    world.faults.jammed = Set(0..<18)
    for i in 0..<100 {
      world.central.queue.append((2, [UInt8(i)]))
      world.host.send([UInt8(i)])
    }
    world.run(for: 20_000_000)
    #expect(world.delivered.count == 100)
    #expect(world.uploaded.count == 100)
    #expect(world.host.disconnectReason == nil)
  }
}
