import Testing

@testable import BLELinkLayer

/// How much of what the air could carry arrives.
struct GoodputTests {
  /// A transfer one way for three seconds of virtual time.
  ///
  /// - Returns: octets a second, and octets a second of the densest row of packets that ends a T_IFS before the interval.
  private static func measure(
    interval: UInt16, length: UInt8, phy: PHY, isUpload: Bool, isEncrypted: Bool = false,
    costOfBlocks: Int64 = 0
  ) -> (goodput: Double, limit: Double) {
    let world = World.connecting {
      $0.interval = interval
      $0.timeout = 400
    }
    world.keepsAired = false
    if length > 27 { world.host.command(0x2024, [length, 0, 0x48, 0x08]) }
    #expect(world.run { world.central.answeredEvents > 1 })
    let least = DataLengths.least
    let wanted = DataLengths(
      receive: UInt16(length), receiveTime: 2120, transmit: UInt16(length), transmitTime: 2120)
    world.central.lengths = length > 27 ? wanted : least
    if length > 27 { world.central.sendLengths() }
    if phy == .twoMegabit { world.central.startPHYs(toPeripheral: phy, toCentral: phy) }
    if isEncrypted {
      world.host.key = [UInt8](repeating: 3, count: 16)
      world.central.encryption.begin(world.central, key: [UInt8](repeating: 3, count: 16))
    }
    world.run(for: 2_000_000)
    world.peripheral.costOfBlocks = costOfBlocks
    let missed = world.peripheral.with { $0.counters.missedEvents }
    let payload = [UInt8](repeating: 0x55, count: Int(length))
    for _ in 0..<(length > 27 ? 2500 : 4500) {
      if isUpload {
        world.host.outgoing.append(dataPacket(payload))
      } else {
        world.central.queue.append((2, payload))
      }
    }
    let count = { isUpload ? world.uploaded.count : world.host.data.count }
    world.run(for: 100_000)
    let before = count()
    world.run(for: 3_000_000)
    let goodput = Double((count() - before) * Int(length)) / 3
    #expect(world.peripheral.with { $0.counters.missedEvents } == missed)
    let pair = phy.duration(length: length + (isEncrypted ? 4 : 0)) + phy.duration(length: 0) + 300
    let time = UInt32(interval) * 1250
    return (goodput, Double(time / pair) * Double(length) / Double(time) * 1e6)
  }

  private static func dataPacket(_ payload: [UInt8]) -> [UInt8] {
    [2, 1, 0, UInt8(payload.count & 255), UInt8(payload.count >> 8)] + payload
  }

  @Test(arguments: [24, 40, 80] as [UInt16], [true, false]) func longPackets(interval: UInt16, isUpload: Bool)
  {
    let (goodput, limit) = Self.measure(interval: interval, length: 251, phy: .oneMegabit, isUpload: isUpload)
    print("1M, length 251, \(Double(interval) * 1.25) ms, \(isUpload ? "up" : "down"):", goodput, "of", limit)
    #expect(goodput >= 0.85 * limit)
  }

  @Test(arguments: [true, false]) func longPacketsEncryptedOn2M(isUpload: Bool) {
    let (goodput, limit) = Self.measure(
      interval: 40, length: 247, phy: .twoMegabit, isUpload: isUpload, isEncrypted: true)
    print("2M, length 247, encrypted, 50 ms, \(isUpload ? "up" : "down"):", goodput, "of", limit)
    #expect(goodput >= 0.85 * limit)
  }

  /// AES in software on the board: 4108 instructions for two blocks (QEMU), with wait states 80 µs at 64 MHz. It is done in
  /// time, beside the events.
  @Test(arguments: [24, 40] as [UInt16], [true, false])
  func longPacketsEncryptedInSoftware(interval: UInt16, isUpload: Bool) {
    let (goodput, limit) = Self.measure(
      interval: interval, length: 251, phy: .oneMegabit, isUpload: isUpload, isEncrypted: true,
      costOfBlocks: 80_000)
    print(
      "1M, length 251, encrypted in software, \(Double(interval) * 1.25) ms, \(isUpload ? "up" : "down"):",
      goodput, "of", limit)
    #expect(goodput >= 0.8 * limit)
  }

  /// Where packets come faster than they are decrypted, events still are planned in time.
  @Test func fastPacketsDecryptedInSoftware() {
    let (goodput, limit) = Self.measure(
      interval: 40, length: 247, phy: .twoMegabit, isUpload: false, isEncrypted: true, costOfBlocks: 80_000)
    print("2M, length 247, encrypted in software, 50 ms, down:", goodput, "of", limit)
    #expect(goodput >= 0.45 * limit)
  }

  @Test(arguments: [true, false]) func shortPackets(isUpload: Bool) {
    let (goodput, limit) = Self.measure(interval: 24, length: 27, phy: .oneMegabit, isUpload: isUpload)
    print("1M, length 27, 30 ms, \(isUpload ? "up" : "down"):", goodput, "of", limit)
    #expect(goodput >= 0.85 * limit)
  }
}
