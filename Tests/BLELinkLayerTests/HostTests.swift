import Bytes
import Cryptography
import PropertyTesting
import Testing

@testable import BLELinkLayer

/// HCI, as a host sees it.
struct HostTests {
  private static func answer(
    _ opcode: UInt16, _ parameters: [UInt8] = [], after: (RawHost) -> Void = { _ in }
  )
    -> [UInt8]?
  {
    let world = World()
    after(world.host)
    world.host.command(opcode, parameters)
    world.run(for: 1000)
    return world.host.answer(to: opcode)
  }

  @Test func saysWhatItIs() {
    #expect(Self.answer(0x1001) == [0, 9, 1, 0, 9, 0xff, 0xff, 1, 0])
    #expect(Self.answer(0x1003) == [0, 0, 0, 0, 0, 0x60, 0, 0, 0])
    #expect(Self.answer(0x1009) == [0, 0, 0, 0, 0, 0, 0])
    #expect(Self.answer(0x2002) == [0, 251, 0, 4])
    #expect(Self.answer(0x2003) == [0, 0x2d, 0x41, 0, 0, 0, 0, 0, 0])
    #expect(Self.answer(0x202f) == [0, 251, 0, 0x48, 8, 251, 0, 0x48, 8])
    #expect(Self.answer(0x2023) == [0, 27, 0, 0x48, 1])
    #expect(Self.answer(0x2007) == [0, 0])
  }

  /// Every command of the bitmap is known, and no other is.
  @Test func listsTheCommandsThatItKnows() throws {
    let octets = Array(try #require(Self.answer(0x1002)).dropFirst())
    #expect(octets.count == 64)
    #expect(octets.reduce(0) { $0 + $1.nonzeroBitCount } == CommandOpcode.count)
    #expect(octets[34] & 1 != 0 && octets[35] & 0x20 != 0)
    var known = 0
    for group: UInt16 in [1, 3, 4, 5, 8] {
      for command in 0..<0x90 {
        if Self.answer(group << 10 | UInt16(command)) != [1] { known += 1 }
      }
    }
    #expect(known == CommandOpcode.count)
  }

  @Test func featuresThatAreLeftOutAreNotThere() {
    var configuration = LinkLayerConfiguration()
    configuration.features = []
    let world = World.connected(configuration: configuration) { $0.usesChannelSelection2 = true }
    #expect(world.host.last(0x3e, subevent: 0x14) == [0x14, 1, 0, 0])
    for opcode: UInt16 in [0x2017, 0x2024, 0x2031] {
      world.host.command(opcode)
      world.run(for: 1000)
      #expect(world.host.answer(to: opcode) == [1])
    }
    world.central.sendLengths()
    world.central.send(control: [0x16, 3, 3])
    world.central.send(control: [3] + [UInt8](repeating: 0, count: 22))
    world.run(for: 500_000)
    #expect(world.central.received.map(\.payload) == [[7, 0x14], [7, 0x16], [7, 3]])
  }

  @Test func refusesCommandsThatMakeNoSense() {
    // Of a wrong length; about a connection that is not there; with values out of range.
    #expect(Self.answer(0x2001, [1]) == [0x12])
    #expect(Self.answer(0x0406, [1, 0, 0x13]) == [2])
    #expect(Self.answer(0x1405, [1, 0]) == [2, 1, 0])
    #expect(Self.answer(0x200a, [2]) == [0x12])
    #expect(Self.answer(0x200a, [1]) == [0x12])
    #expect(Self.answer(0x2006, [0x1f, 0, 0x1f, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0]) == [0x12])
    #expect(Self.answer(0x2006, [0x20, 0, 0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == [0x12])
    #expect(Self.answer(0x2006, [0x20, 0, 0x20, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0]) == [0x11])
    #expect(Self.answer(0x2006, [0x20, 0, 0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1]) == [0x11])
    #expect(Self.answer(0x2008, [32] + [UInt8](repeating: 0, count: 31)) == [0x12])
    #expect(Self.answer(0x2024, [26, 0, 0x48, 1]) == [0x12])
    #expect(Self.answer(0x2031, [0, 4, 1]) == [0x11])
    #expect(Self.answer(0x2005, TestCentral.peripheralAddress, after: { $0.advertise() }) == [0x0c])
  }

  @Test func endsForReasonsOnlyThatAHostMayGive() {
    let world = World.connected()
    world.host.command(0x0406, [1, 0, 0x16])
    world.run(for: 100_000)
    #expect(world.host.answer(to: 0x0406) == [0x12])
    world.host.command(0x0406, [2, 0, 0x13])
    world.run(for: 100_000)
    #expect(world.host.answer(to: 0x0406) == [2])
    world.host.command(0x0406, [1, 0, 0x13])
    world.host.command(0x0406, [1, 0, 0x13])
    world.run(for: 1_000)
    #expect(world.host.answer(to: 0x0406) == [0x0c])
    world.run(for: 300_000)
    #expect(world.host.disconnectReason == 0x16)
  }

  @Test func encryptsAndDrawsNumbers() {
    // Vol 6 Part C §1.1: least significant octets first.
    let key: [UInt8] = [
      0xbf, 0x01, 0xfb, 0x9d, 0x4e, 0xf3, 0xbc, 0x36, 0xd8, 0x74, 0xf5, 0x39, 0x41, 0x38, 0x68, 0x4c,
    ]
    let text: [UInt8] = [
      0x13, 0x02, 0xf1, 0xe0, 0xdf, 0xce, 0xbd, 0xac, 0x79, 0x68, 0x57, 0x46, 0x35, 0x24, 0x13, 0x02,
    ]
    #expect(
      Self.answer(0x2017, key + text) == [
        0, 0x66, 0xc6, 0xc2, 0x27, 0x8e, 0x3b, 0x8e, 0x05, 0x3e, 0x7e, 0xa3, 0x26, 0x52, 0x1b, 0xad, 0x99,
      ])
    let world = World()
    var drawn = Set<[UInt8]>()
    for _ in 0..<20 {
      world.host.command(0x2018)
      world.run(for: 1000)
      drawn.insert(world.host.answer(to: 0x2018)!)
    }
    #expect(drawn.count == 20)
  }

  /// A host may use the command that encrypts while its connection is encrypted.
  @Test func encryptingForTheHostDoesNotDisturbTheLink() {
    let world = World.connected()
    let key = [UInt8](repeating: 9, count: 16)
    world.host.key = key
    world.central.encryption.begin(world.central, key: key)
    #expect(world.run { world.central.encryption.phase == .on })
    for i in 0..<5 {
      world.host.command(0x2017, [UInt8](repeating: UInt8(i), count: 32))
      world.host.send([UInt8(i)])
      world.run(for: 100_000)
    }
    #expect(world.uploaded == (0..<5).map { [UInt8($0)] })
    #expect(world.central.encryption.micFailures == 0)
  }

  @Test func readsWhatTheRadioHeard() {
    let world = World.connected { $0.map = ChannelMap(bits: 0x1e_00e0_0600) }
    world.host.command(0x1405, [1, 0])
    world.host.command(0x2015, [1, 0])
    world.run(for: 1000)
    #expect(world.host.answer(to: 0x1405) == [0, 1, 0, UInt8(bitPattern: -40)])
    #expect(world.host.answer(to: 0x2015) == [0, 1, 0, 0, 6, 0xe0, 0, 0x1e])
  }

  @Test func aResetEndsEverythingAtOnce() {
    let world = World.connected {
      $0.interval = 3200
      $0.timeout = 3200
    }
    world.host.command(0x2016, [1, 0])
    world.host.send([1, 2, 3])
    world.host.advertise()
    let count = world.central.advertisements.count
    world.central.disconnect()
    // An event was armed that was seconds away: it is taken back.
    world.run(for: 60_000)
    #expect(world.central.advertisements.count > count + 3)
    world.central.interval = 24
    world.central.role = .initiating
    let answered = world.central.answeredEvents
    #expect(world.run { world.central.answeredEvents > answered + 10 })
    #expect(world.uploaded.isEmpty)
  }

  @Test func maskedEventsDoNotCome() {
    let world = World.connecting()
    world.host.command(0x2001, [1, 0, 0, 0, 0, 0, 0, 0])
    #expect(world.run { world.host.last(0x3e, subevent: 1) != nil })
    world.central.encryption.begin(world.central, key: [UInt8](repeating: 0, count: 16))
    world.central.sendLengths()
    world.run(for: 500_000)
    #expect(Set(world.host.events.filter { $0[1] == 0x3e }.map { $0[3] }) == [1])
    // A host that does not want to be asked has no key.
    #expect(world.central.controls(0x0d) == [[0x0d, 6]])
  }

  /// Whatever octets come from a host: no trap, and every packet that it gets is well formed.
  @Test(arguments: 0..<40 as Range<UInt64>) func survivesAnyHost(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let world = seed % 2 == 0 ? World.connected(seed: seed) : World(seed: seed)
    world.keepsAired = false
    world.central.role = seed % 2 == 0 ? .connected : .initiating
    var packet = BoundedBytes(capacity: LinkLayer<MeteredEncryption>.packetCapacity)
    for _ in 0..<300 {
      var octets = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      if octets.count >= 5, generator.chance(0.9) {
        octets[0] = generator.chance(0.7) ? 1 : 2
        if octets[0] == 1 {
          let command = CommandOpcode.at(Int.random(in: 0..<CommandOpcode.count, using: &generator))
          octets[1] = UInt8(command.opcode & 255)
          octets[2] = UInt8(command.opcode >> 8)
          octets += [UInt8](repeating: octets[4], count: 40)
          octets = Array(octets.prefix(4 + Int(command.length)))
          octets[3] = command.length
          if command.namesConnection { octets[4...5] = [1, 0] }
        } else {
          octets[1] = 1
          octets[2] &= 0x30
          octets[3] = UInt8(octets.count - 5)
          octets[4] = 0
        }
      }
      world.peripheral.with { layer in
        layer.received(hciPacket: octets.span, now: world.peripheral.radioTime(of: world.now))
        while layer.nextHCIPacket(into: &packet) {
          let count = packet.count
          let isWhole =
            packet.span[0] == 4 ? count == 3 + Int(packet.span[2]) : count == 5 + Int(packet.span[3])
          #expect(isWhole && !packet.overflowed, "seed \(seed)")
        }
      }
      world.run(for: 10_000)
      if world.central.role == .idle { world.central.role = .initiating }
    }
  }
}
