import Testing

@testable import BLELinkLayer

struct EncryptionTests {
  /// As people write it; the host hands it over the other way round.
  private static let key: [UInt8] = (0..<16).map { 0x4c &+ 17 &* $0 }

  private static func encrypted(
    seed: UInt64 = 1, loss: Double = 0, change: (TestCentral) -> Void = { _ in }
  ) -> World {
    let world = World.connected(seed: seed) {
      $0.timeout = 600
      change($0)
    }
    world.faults.loss = loss
    world.host.key = key.reversed()
    world.central.encryption.begin(world.central, key: key)
    #expect(
      world.run(atMost: 20_000_000) { world.host.last(0x08) != nil && world.central.encryption.phase == .on })
    return world
  }

  @Test(arguments: [0.0, 0.4]) func encrypts(loss: Double) {
    let world = Self.encrypted(seed: 4, loss: loss)
    #expect(world.host.last(0x3e, subevent: 5) == [5, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x74, 0x24])
    #expect(world.host.last(0x08) == [0, 1, 0, 1])
    for i in 0..<60 {
      world.host.send([UInt8](repeating: UInt8(i), count: 27))
      world.central.queue.append((2, [UInt8](repeating: UInt8(i) ^ 0xff, count: 20)))
    }
    world.run(for: 20_000_000)
    #expect(world.uploaded == (0..<60).map { [UInt8](repeating: UInt8($0), count: 27) })
    #expect(world.delivered == (0..<60).map { [UInt8](repeating: UInt8($0) ^ 0xff, count: 20) })
    #expect(world.central.encryption.micFailures == 0)
    // Not a packet of either side went over the air in clear text.
    let open = world.aired.filter { $0.octets.count > 24 && Set($0.octets.dropFirst(2)).count == 1 }
    #expect(open.isEmpty)
  }

  @Test func proceduresGoOnEncrypted() {
    let world = Self.encrypted()
    world.central.startUpdate(interval: 12)
    world.central.sendVersion()
    world.central.sendLengths()
    world.central.startMap(ChannelMap(bits: 0xff))
    world.run(for: 2_000_000)
    #expect(world.host.last(0x3e, subevent: 3) != nil)
    #expect(world.central.controls(0x0c).count == 1)
    #expect(world.central.controls(0x15).count == 1)
    #expect(world.central.answeredEvents == world.central.eventCount)
    #expect(world.host.disconnectReason == nil)
  }

  @Test(arguments: [0.0, 0.3]) func changesTheKey(loss: Double) {
    let world = Self.encrypted(seed: 5, loss: loss)
    let other: [UInt8] = Self.key.map { $0 ^ 0x3c }
    world.host.key = other.reversed()
    for i in 0..<10 { world.host.send([UInt8](repeating: UInt8(i), count: 100)) }
    world.central.encryption.begin(world.central, key: other)
    for i in 0..<10 { world.central.queue.append((2, [UInt8(i)])) }
    #expect(world.run(atMost: 20_000_000) { world.host.last(0x30) != nil })
    #expect(world.host.last(0x30) == [0, 1, 0])
    world.run(for: 10_000_000)
    #expect(world.delivered == (0..<10).map { [UInt8($0)] })
    #expect(world.uploaded.joined().count == 1000)
    #expect(world.central.encryption.micFailures == 0)
    #expect(world.host.disconnectReason == nil)
  }

  @Test func rejectsWithoutAKey() {
    let world = World.connected()
    world.central.encryption.begin(world.central, key: Self.key)
    world.run(for: 500_000)
    #expect(world.central.controls(0x0d) == [[0x0d, 6]])
    #expect(world.host.last(0x08) == nil)
    // The connection goes on in clear text.
    world.host.send([1, 2])
    world.central.queue.append((2, [3, 4]))
    world.run(for: 500_000)
    #expect(world.uploaded == [[1, 2]])
    #expect(world.delivered == [[3, 4]])
  }

  @Test func saysWhatItRejectsToThoseWhoUnderstand() {
    let world = World.connected()
    world.central.send(control: [8] + world.central.octets(LinkFeatures.all.rawValue, 8))
    world.run(for: 200_000)
    world.central.encryption.begin(world.central, key: Self.key)
    world.run(for: 500_000)
    #expect(world.central.controls(0x11) == [[0x11, 3, 6]])
  }

  /// Where encryption was on, nothing may go on in clear text.
  @Test func endsIfThereIsNoKeyAnyMore() {
    let world = Self.encrypted()
    world.host.key = nil
    world.central.encryption.begin(world.central, key: Self.key)
    world.run(for: 1_000_000)
    #expect(world.central.controls(2) == [[2, 6]])
    #expect(world.host.disconnectReason == 0x16)
  }

  @Test func holdsDataBackUntilTheHostHasFoundTheKey() {
    let world = World.connected()
    world.host.answersKeyRequests = false
    world.central.encryption.begin(world.central, key: Self.key)
    world.run(for: 300_000)
    world.host.send([1, 2, 3])
    world.run(for: 1_000_000)
    #expect(world.uploaded.isEmpty)
    world.host.command(0x201a, [1, 0] + Self.key.reversed())
    world.run(for: 1_000_000)
    #expect(world.uploaded == [[1, 2, 3]])
    #expect(world.central.encryption.phase == .on)
    // An answer that nobody asked for.
    world.host.command(0x201b, [1, 0])
    world.run(for: 100_000)
    #expect(world.host.answer(to: 0x201b) == [0x0c, 1, 0])
  }

  /// What the host got before encryption began it gets before it is told of it.
  @Test func clearTextDoesNotLookEncrypted() {
    let world = World.connected { $0.timeout = 3200 }
    world.host.key = Self.key.reversed()
    world.central.queue.append((2, [1]))
    world.run(for: 100_000)
    world.central.queue.append((2, [2]))
    world.host.isBusy = true
    world.run(for: 100_000)
    world.central.encryption.begin(world.central, key: Self.key)
    world.run(for: 300_000)
    world.host.isBusy = false
    world.run(for: 1_000_000)
    #expect(world.delivered == [[1], [2]])
    #expect(world.host.last(0x08) != nil)
    #expect(world.peripheral.with { $0.counters.violations } == 0)
  }

  // MARK: Wrong keys and forged packets

  @Test func aWrongKeyEndsTheConnection() {
    let world = World.connected()
    var wrong = Self.key
    wrong[3] ^= 1
    world.host.key = wrong.reversed()
    world.central.encryption.begin(world.central, key: Self.key)
    world.run(for: 1_000_000)
    #expect(world.host.disconnectReason == 0x3d)
    #expect(world.host.last(0x08) == nil)
  }

  @Test func aSpoiledPacketEndsTheConnection() {
    let world = Self.encrypted()
    // Whoever overhears sequence numbers can send packets; without the key they are noise.
    world.central.rawPackets = []
    for sequence: UInt8 in [0, 8] {
      world.central.rawPackets.append([2 | sequence, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    }
    world.run(for: 500_000)
    #expect(world.host.disconnectReason == 0x3d)
    #expect(world.delivered.isEmpty)
  }

  @Test(arguments: [1, 4] as [UInt8]) func aPacketTooShortToBeEncryptedEndsTheConnection(length: UInt8) {
    let world = Self.encrypted()
    for sequence: UInt8 in [0, 8] {
      world.central.rawPackets.append([2 | sequence, length] + [UInt8](repeating: 7, count: Int(length)))
    }
    world.run(for: 500_000)
    #expect(world.host.disconnectReason == 0x3d)
  }

  @Test func dataInTheMiddleOfTheStartEndsTheConnection() {
    let world = World.connected()
    world.host.answersKeyRequests = false
    world.central.encryption.begin(world.central, key: Self.key)
    world.run(for: 300_000)
    for sequence: UInt8 in [0, 8] { world.central.rawPackets.append([2 | sequence, 2, 1, 2]) }
    world.run(for: 300_000)
    #expect(world.host.disconnectReason == 0x3d)
    #expect(world.delivered.isEmpty)
  }

  @Test func thePeerMayEndItInTheMiddle() {
    let world = World.connected()
    world.host.key = Self.key.reversed()
    world.central.encryption.neverStarts = true
    world.central.encryption.begin(world.central, key: Self.key)
    world.run(for: 300_000)
    for sequence: UInt8 in [0, 8] { world.central.rawPackets.append([3 | sequence, 2, 2, 0x13]) }
    world.run(for: 300_000)
    #expect(world.host.disconnectReason == 0x13)
  }

  @Test func aStartThatNeverComesIsNotWaitedForForever() {
    let world = World.connected()
    world.keepsAired = false
    world.host.key = Self.key.reversed()
    world.central.encryption.neverStarts = true
    world.central.encryption.begin(world.central, key: Self.key)
    world.run(for: 39_000_000)
    #expect(world.host.disconnectReason == nil)
    world.run(for: 2_000_000)
    #expect(world.host.disconnectReason == 0x22)
  }
}
