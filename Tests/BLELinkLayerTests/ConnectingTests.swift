import Testing

@testable import BLELinkLayer

struct ConnectingTests {
  @Test func advertisesOnThreeChannelsWithRandomDelay() {
    let world = World()
    world.host.advertise()
    world.run(for: 2_000_000)
    let packets = world.aired
    #expect(packets.map(\.channel).prefix(6) == [37, 38, 39, 37, 38, 39])
    #expect(packets.allSatisfy { $0.octets[0] == 0x60 && $0.octets[1] == 9 })
    #expect(packets[0].octets == [0x60, 9] + TestCentral.peripheralAddress + [2, 1, 6])
    let starts = packets.filter { $0.channel == 37 }.map(\.start)
    let gaps = zip(starts.dropFirst(), starts).map { ($0 - $1) / 1000 }
    // The interval is 20 ms, the delay 0…10 ms; a microsecond is what clocks are read to.
    #expect(gaps.allSatisfy { $0 >= 19_998 && $0 <= 30_002 })
    #expect(gaps.min()! < 22_000 && gaps.max()! > 28_000)
    #expect(world.peripheral.lateCommands == 0)
  }

  /// Core specification, Vol 6 Part B §1.4.1.
  @Test func knowsTheFrequencies() {
    let frequencies = (0..<40 as Range<UInt8>).map { channel in
      RadioCommand(
        opening: .listen, start: RadioTime(microseconds: 0), window: 0, channel: channel, accessAddress: 0,
        crcInit: 0, receivePHY: .oneMegabit, transmitPHY: .oneMegabit, maximumLength: 27
      ).frequency
    }
    #expect(frequencies[37...] == [2, 26, 80])
    #expect(frequencies[..<37].elementsEqual(stride(from: 4, through: 78, by: 2).filter { $0 != 26 }))
  }

  @Test func answersScannersThatMeanIt() {
    let world = World()
    world.host.advertise()
    world.central.role = .scanning
    world.run(for: 100_000)
    #expect(world.central.scanResponses.count > 5)
    #expect(
      world.central.scanResponses.allSatisfy {
        $0 == [0x44, 10] + TestCentral.peripheralAddress + [3, 9, 0x46, 0x42]
      })
  }

  @Test func stopsAdvertisingWhenTold() {
    let world = World()
    world.host.advertise()
    world.run(for: 100_000)
    world.host.command(0x200a, [0])
    world.run(for: 20_000)
    let count = world.aired.count
    world.run(for: 1_000_000)
    #expect(world.aired.count == count)
    world.host.command(0x200a, [1])
    world.run(for: 100_000)
    #expect(world.aired.count > count + 6)
  }

  @Test(arguments: [false, true]) func connects(usesChannelSelection2: Bool) {
    let world = World.connected { $0.usesChannelSelection2 = usesChannelSelection2 }
    world.run(for: 2_000_000)
    let event = world.host.last(0x3e, subevent: 1)
    #expect(
      event == [1, 0, 1, 0, 1, 1] + TestCentral.address + [24, 0, 0, 0, 100, 0, 0])
    #expect(world.host.last(0x3e, subevent: 0x14) == [0x14, 1, 0, usesChannelSelection2 ? 1 : 0])
    // Every event was met, and nothing was advertised meanwhile.
    #expect(world.central.answeredEvents == world.central.eventCount)
    #expect(world.central.eventCount > 60)
    #expect(Set(world.aired.filter { $0.channel < 37 }.map(\.channel)).count > 20)
    #expect(world.host.disconnectReason == nil)
    #expect(world.peripheral.lateCommands == 0)
  }

  /// A central that plans by a clock of 32.768 kHz may begin a little before the window that it has announced.
  @Test func meetsACentralThatIsEarlierThanItsWindow() {
    let world = World.connected {
      $0.interval = 6
      $0.windowOffset = 0
      $0.windowSize = 1
      $0.windowUse = -30
    }
    world.run(for: 500_000)
    #expect(world.central.answeredEvents == world.central.eventCount)
  }

  @Test func answersAfterTheInterFrameSpace() {
    let world = World.connected()
    world.run(for: 1_000_000)
    let packets = world.aired
    for (packet, answer) in zip(packets, packets.dropFirst()) where packet.fromCentral && !answer.fromCentral
    {
      #expect(answer.start - packet.end == 150_000)
    }
  }

  /// The worst clocks that are allowed, and a crystal of our own: windows are wide enough, and nothing is missed.
  @Test(arguments: [(500, -40), (-500, 40), (500, 40), (-500, -40), (0, 0)] as [(Int64, Int64)])
  func survivesDrift(central: Int64, peripheral: Int64) {
    let world = World.connected(peripheralDrift: peripheral, centralDrift: central) {
      $0.interval = 400
      $0.timeout = 600
    }
    world.run(for: 60_000_000)
    #expect(world.central.answeredEvents == world.central.eventCount)
    #expect(world.host.disconnectReason == nil)
  }

  /// A clock of ±500 ppm of our own, honestly declared.
  @Test(arguments: [(500, -500), (-500, 500)] as [(Int64, Int64)])
  func survivesDriftOnBothSides(central: Int64, peripheral: Int64) {
    var configuration = LinkLayerConfiguration()
    configuration.clockAccuracy = 500
    let world = World.connected(
      peripheralDrift: peripheral, centralDrift: central, configuration: configuration)
    world.faults.loss = 0.3
    world.run(for: 60_000_000)
    #expect(world.host.disconnectReason == nil)
    #expect(Double(world.central.answeredEvents) > 0.4 * Double(world.central.eventCount))
  }

  @Test func isFailedToBeEstablishedAfterSixIntervals() {
    let world = World.connecting { $0.isSilent = true }
    #expect(world.run { world.central.role == .connected })
    let start = world.now
    #expect(world.run { world.host.disconnectReason != nil })
    #expect(world.host.disconnectReason == 0x3e)
    // 6 × 30 ms, and a millisecond that the test counts in.
    let passed = (world.now - start) / 1000
    #expect(passed >= 178_000 && passed <= 183_000)
  }

  @Test func isLostAfterTheSupervisionTimeout() {
    let world = World.connected { $0.timeout = 42 }
    world.run(for: 500_000)
    let last = world.aired.last { $0.fromCentral }!.start
    world.faults.isSilent = true
    #expect(world.run { world.host.disconnectReason != nil })
    #expect(world.host.disconnectReason == 0x08)
    let passed = (world.now - last) / 1000
    #expect(passed >= 420_000 && passed <= 423_000)
    // It can be found again.
    world.central.disconnect()
    world.faults.isSilent = false
    world.central.role = .initiating
    world.host.command(0x200a, [1])
    #expect(world.run { world.central.answeredEvents > 30 })
  }

  @Test func survivesSilenceShorterThanThat() {
    let world = World.connected { $0.timeout = 100 }
    for _ in 0..<5 {
      world.faults.isSilent = true
      world.run(for: 900_000)
      world.faults.isSilent = false
      world.run(for: 300_000)
    }
    #expect(world.host.disconnectReason == nil)
  }

  /// The field of a request that makes it one that no link layer may obey.
  @Test(
    arguments: [
      (21, 0), (21, 9), (24, 5), (28, 5), (28, 0), (35, 4), (35, 17), (22, 25),
    ] as [(Int, UInt8)])
  func refusesImpossibleRequests(at offset: Int, value: UInt8) {
    let central = TestCentral(drift: 0)
    var octets = central.connectRequest
    #expect(ConnectRequest(parsing: octets.span) != nil)
    octets[offset] = value
    #expect(ConnectRequest(parsing: octets.span) == nil)
    for length in 0..<octets.count {
      #expect(ConnectRequest(parsing: octets.span.extracting(0..<length)) == nil)
    }
  }

  @Test func takesNoNoticeOfRequestsToOthers() {
    let world = World()
    world.host.advertise()
    world.run(for: 50_000)
    for offset in [0, 8, 13] {
      var octets = world.central.connectRequest
      octets[offset] ^= offset == 0 ? 0x80 : 1
      var event = AdvertisingEvent()
      event.address = 0xc0ff_ee00_0001
      event.isRandom = true
      #expect(event.received(octets.span, isIntact: true, to: RadioTime(microseconds: 1)) == .close)
      #expect(event.requestEnd == nil)
    }
  }

  @Test func honoursLatencyAndWakesForData() {
    let world = World.connected {
      $0.latency = 9
      $0.timeout = 400
    }
    world.run(for: 1_000_000)
    let events = world.central.eventCount
    let answered = world.central.answeredEvents
    world.run(for: 10_000_000)
    let share =
      Double(world.central.answeredEvents - answered) / Double(world.central.eventCount - events)
    #expect(share < 0.15)
    #expect(world.host.disconnectReason == nil)
    world.central.queue.append((2, [1, 2, 3]))
    world.host.send([4, 5, 6])
    world.run(for: 1_000_000)
    #expect(world.delivered == [[1, 2, 3]])
    #expect(world.uploaded == [[4, 5, 6]])
  }

  /// The processor stands still while a page of flash is erased, again and again: events are missed, and nothing else.
  @Test(arguments: [6, 24] as [UInt16]) func survivesAProcessorThatStandsStill(interval: UInt16) {
    let world = World.connected(centralDrift: 300) {
      $0.interval = interval
      $0.timeout = 42
    }
    for i in 0..<60 {
      world.peripheral.stall(for: 85_000, world.now)
      world.central.queue.append((2, [UInt8(i)]))
      world.host.send([UInt8(i)])
      world.run(for: 160_000)
    }
    world.run(for: 1_000_000)
    #expect(world.host.disconnectReason == nil)
    #expect(world.peripheral.with { $0.counters.missedEvents } > 60)
    #expect(world.delivered == (0..<60).map { [UInt8($0)] })
    #expect(world.uploaded == (0..<60).map { [UInt8($0)] })
    #expect(world.peripheral.lateCommands == 0)
  }
}
