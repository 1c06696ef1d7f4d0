import Testing

@testable import BLELinkLayer

struct ProcedureTests {
  @Test func exchangesFeaturesWhenAsked() {
    let world = World.connected()
    // The central can do LE Ping (bit 4) in the first octet and privacy of others; we answer the first octet with what both can.
    world.central.send(control: [8, 0x35, 0x41, 0, 0, 0, 0, 0, 0])
    world.run(for: 500_000)
    #expect(world.central.controls(9) == [[9, 0x2c & 0x35 | 1, 0x41, 0, 0, 0, 0, 0, 0]])
  }

  @Test func readsFeaturesOfThePeer() {
    let world = World.connected()
    world.host.command(0x2016, [1, 0])
    world.run(for: 500_000)
    #expect(world.host.answer(to: 0x2016) == [0])
    #expect(world.central.controls(0x0e).count == 1)
    #expect(world.host.last(0x3e, subevent: 4) == [4, 0, 1, 0, 0x2d, 0x41, 0, 0, 0, 0, 0, 0])
    // A second time nothing needs to be asked.
    world.host.command(0x2016, [1, 0])
    world.run(for: 500_000)
    #expect(world.central.controls(0x0e).count == 1)
    #expect(world.host.events.filter { $0[1] == 0x3e && $0[3] == 4 }.count == 2)
  }

  @Test func exchangesVersionsOnce() {
    let world = World.connected()
    world.host.command(0x041d, [1, 0])
    world.run(for: 500_000)
    #expect(world.host.last(0x0c) == [0, 1, 0, 9, 0xf1, 0x05, 0x34, 0x12])
    world.central.sendVersion()
    world.run(for: 500_000)
    #expect(world.central.controls(0x0c) == [[0x0c, 9, 0xff, 0xff, 1, 0]])
  }

  @Test func answersVersionsOfThePeer() {
    let world = World.connected()
    world.central.sendVersion()
    world.run(for: 500_000)
    #expect(world.central.controls(0x0c).count == 1)
    world.host.command(0x041d, [1, 0])
    world.run(for: 500_000)
    #expect(world.central.controls(0x0c).count == 1)
    #expect(world.host.last(0x0c)?[0] == 0)
  }

  @Test func answersPingsAndWhatItDoesNotKnow() {
    let world = World.connected()
    world.central.send(control: [0x12])
    // Connection parameters request, which is not offered; a PDU nobody knows; one of a wrong length; none at all of
    // an answer to an answer.
    world.central.send(control: [0x0f] + [UInt8](repeating: 0, count: 23))
    world.central.send(control: [0x7f, 1, 2])
    world.central.send(control: [0x14, 1])
    world.central.send(control: [0x07, 0x33])
    world.run(for: 500_000)
    let answers = world.central.received.map(\.payload)
    #expect(answers == [[0x13], [7, 0x0f], [7, 0x7f], [7, 0x14]])
    #expect(world.host.disconnectReason == nil)
  }

  @Test func endsWhenThePeerSaysSo() {
    let world = World.connected()
    world.central.queue.append((2, [1, 2, 3]))
    world.central.send(control: [2, 0x13])
    world.run(for: 200_000)
    #expect(world.delivered == [[1, 2, 3]])
    #expect(world.host.disconnectReason == 0x13)
    #expect(world.host.events.last?[1] == 0x05)
  }

  @Test func endsWhenTheHostSaysSo() {
    let world = World.connected()
    world.host.command(0x0406, [1, 0, 0x13])
    world.run(for: 500_000)
    #expect(world.central.controls(2) == [[2, 0x13]])
    #expect(world.host.disconnectReason == 0x16)
  }

  @Test func endsThoughThePeerDoesNotHear() {
    let world = World.connected { $0.timeout = 100 }
    world.host.command(0x0406, [1, 0, 0x13])
    world.faults.isSilent = true
    world.run(for: 1_200_000)
    #expect(world.host.disconnectReason == 0x16)
  }

  // MARK: Instants

  @Test(arguments: [0.0, 0.3]) func updatesParameters(loss: Double) {
    let world = World.connected(seed: 3) { $0.timeout = 600 }
    world.faults.loss = loss
    for interval in [UInt16(6), 80, 24, 400, 7] {
      world.central.startUpdate(
        interval: interval, timeout: 600, offset: min(5, interval), windowSize: 3, use: 3000, in: 20)
      world.run(for: 12_500_000)
      let event = world.host.last(0x3e, subevent: 3)
      #expect(event == [3, 0, 1, 0, UInt8(interval & 255), UInt8(interval >> 8), 0, 0, 88, 2])
      let events = world.central.eventCount
      let answered = world.central.answeredEvents
      world.run(for: 3_000_000)
      let share = Double(world.central.answeredEvents - answered) / Double(world.central.eventCount - events)
      #expect(share >= (loss == 0 ? 1 : 0.3))
    }
    #expect(world.host.disconnectReason == nil)
  }

  @Test func updatesTheChannelMapAcrossTheCountersWrap() {
    let world = World.connected {
      $0.interval = 6
      $0.timeout = 100
    }
    world.keepsAired = false
    while world.central.counter < 65_500 { world.run(for: 100_000) }
    let few = ChannelMap(bits: 0x0f_0000_0000)
    world.central.startMap(few, in: 60)
    world.run(for: 600_000)
    world.keepsAired = true
    world.run(for: 500_000)
    #expect(world.central.counter < 1000)
    #expect(Set(world.aired.suffix(50).map(\.channel)) == [32, 33, 34, 35])
    #expect(world.central.answeredEvents == world.central.eventCount)
    #expect(world.host.disconnectReason == nil)
  }

  @Test(arguments: [0, 1, 0x18] as [UInt8]) func isLostWhenAnInstantHasPassed(opcode: UInt8) {
    let world = World.connected()
    let past = world.central.octets(UInt64(world.central.counter &- 5), 2)
    switch opcode {
    case 0: world.central.send(control: [0, 2, 1, 0, 24, 0, 0, 0, 100, 0] + past)
    case 1: world.central.send(control: [1, 0xff, 0xff, 0xff, 0xff, 0x1f] + past)
    default: world.central.send(control: [0x18, 2, 2] + past)
    }
    world.run(for: 300_000)
    #expect(world.host.disconnectReason == 0x28)
  }

  /// What was said once is said again later: its instant has passed.
  @Test func aReplayedUpdateIsTooLate() {
    let world = World.connected()
    world.central.startUpdate(interval: 24)
    let pdu = world.central.queue.last!.payload
    world.run(for: 1_000_000)
    #expect(world.host.disconnectReason == nil)
    world.central.send(control: pdu)
    world.run(for: 300_000)
    #expect(world.host.disconnectReason == 0x28)
  }

  @Test func refusesParametersThatCannotBe() {
    let world = World.connected()
    let soon = world.central.octets(UInt64(world.central.counter &+ 10), 2)
    world.central.send(control: [0, 2, 1, 0, 5, 0, 0, 0, 100, 0] + soon)
    world.run(for: 300_000)
    #expect(world.host.disconnectReason == 0x1e)
  }

  // MARK: Lengths and PHYs

  @Test func agreesOnLongPackets() {
    let world = World.connecting()
    world.host.command(0x2024, [251, 0, 0x48, 0x08])
    #expect(world.run { world.central.answeredEvents > 1 })
    world.central.sendLengths()
    world.run(for: 500_000)
    #expect(world.central.controls(0x15) == [[0x15, 251, 0, 0x48, 8, 251, 0, 0x48, 8]])
    #expect(world.host.last(0x3e, subevent: 7) == [7, 1, 0, 251, 0, 0x48, 8, 251, 0, 0x48, 8])
    let payload = (0..<251).map { UInt8($0) }
    world.host.send(payload)
    world.central.queue.append((2, payload))
    world.run(for: 500_000)
    #expect(world.uploaded == [payload])
    #expect(world.delivered == [payload])
  }

  /// If the host would have longer packets, they are asked for once the peer has said that it can.
  @Test func asksForLongPackets() {
    let world = World.connecting()
    world.host.command(0x2024, [100, 0, 0x48, 0x08])
    #expect(world.run { world.central.answeredEvents > 1 })
    #expect(world.central.controls(0x14).isEmpty)
    world.central.send(control: [8] + world.central.octets(LinkFeatures.all.rawValue, 8))
    world.run(for: 500_000)
    #expect(world.central.controls(0x14).count == 1)
    #expect(world.host.last(0x3e, subevent: 7) == [7, 1, 0, 100, 0, 0x48, 8, 251, 0, 0x48, 8])
  }

  @Test func takesShortTimesAsALimitOfLength() {
    let world = World.connecting()
    world.host.command(0x2024, [251, 0, 0x48, 0x08])
    #expect(world.run { world.central.answeredEvents > 1 })
    world.central.lengths.receiveTime = 600
    world.central.sendLengths()
    world.run(for: 500_000)
    world.host.send([UInt8](repeating: 1, count: 200))
    world.run(for: 500_000)
    // 600 µs are 75 octets at 1 Mbit/s; 14 of them go around the payload.
    #expect(world.uploaded.map(\.count) == [61, 61, 61, 17])
  }

  @Test(arguments: [
    (PHY.twoMegabit, PHY.twoMegabit), (.twoMegabit, .oneMegabit), (.oneMegabit, .twoMegabit),
  ]) func changesThePHY(toPeripheral: PHY, toCentral: PHY) {
    let world = World.connected()
    world.central.send(control: [0x16, 3, 3])
    world.run(for: 300_000)
    #expect(world.central.controls(0x17) == [[0x17, 3, 3]])
    world.central.startPHYs(toPeripheral: toPeripheral, toCentral: toCentral)
    world.run(for: 2_000_000)
    #expect(
      world.host.last(0x3e, subevent: 0x0c) == [0x0c, 0, 1, 0, toCentral.rawValue, toPeripheral.rawValue])
    world.host.send([1, 2, 3])
    world.run(for: 300_000)
    #expect(world.uploaded == [[1, 2, 3]])
    #expect(world.central.answeredEvents == world.central.eventCount)
  }

  /// A radio that can only send on the PHY that it listens on has one PHY for both directions.
  @Test(
    arguments: [
      ([3, 3], 2), ([2, 2], 2), ([1, 1], 1), ([2, 1], 1), ([1, 3], 1),
    ] as [([UInt8], UInt8)]) func agreesOnOnePHYForBothDirections(wished: [UInt8], answered: UInt8)
  {
    var configuration = LinkLayerConfiguration()
    configuration.symmetricPHYsOnly = true
    let world = World.connected(configuration: configuration)
    world.central.send(control: [0x16] + wished)
    world.run(for: 300_000)
    #expect(world.central.controls(0x17) == [[0x17, answered, answered]])
    world.central.startPHYs(toPeripheral: .twoMegabit, toCentral: .twoMegabit)
    world.run(for: 1_000_000)
    #expect(world.host.last(0x3e, subevent: 0x0c) == [0x0c, 0, 1, 0, 2, 2])
    // A central that does not keep to it is not obeyed.
    world.central.startPHYs(toPeripheral: .twoMegabit, toCentral: .oneMegabit)
    world.run(for: 1_000_000)
    #expect(world.host.disconnectReason == 0x1e)
  }

  @Test func asksForAnotherPHY() {
    let world = World.connected()
    world.host.command(0x2032, [1, 0, 0, 2, 2, 0, 0])
    world.run(for: 2_000_000)
    #expect(world.central.controls(0x16) == [[0x16, 2, 2]])
    #expect(world.host.last(0x3e, subevent: 0x0c) == [0x0c, 0, 1, 0, 2, 2])
    world.host.command(0x2030, [1, 0])
    world.run(for: 100_000)
    #expect(world.host.answer(to: 0x2030) == [0, 1, 0, 2, 2])
  }

  // MARK: Peers that do not play along

  @Test func reportsWhatThePeerCannot() {
    let world = World.connected { $0.answersProcedures = false }
    world.host.command(0x2032, [1, 0, 0, 2, 2, 0, 0])
    world.run(for: 200_000)
    world.central.send(control: [7, 0x16])
    world.run(for: 200_000)
    #expect(world.host.last(0x3e, subevent: 0x0c) == [0x0c, 0x1a, 1, 0, 1, 1])
    world.host.command(0x2016, [1, 0])
    world.run(for: 200_000)
    world.central.send(control: [7, 0x0e])
    world.run(for: 200_000)
    #expect(world.host.last(0x3e, subevent: 4)?[1] == 0x1a)
  }

  /// Two requests for PHYs meet: the central rejects ours and goes on with its own.
  @Test func losesACollisionOfPHYs() {
    let world = World.connected { $0.answersProcedures = false }
    world.host.command(0x2032, [1, 0, 0, 2, 2, 0, 0])
    world.central.send(control: [0x16, 2, 2])
    world.run(for: 200_000)
    #expect(world.central.controls(0x16).count == 1)
    #expect(world.central.controls(0x17).count == 1)
    world.central.send(control: [0x11, 0x16, 0x23])
    world.central.startPHYs(toPeripheral: .twoMegabit, toCentral: .twoMegabit)
    world.run(for: 1_000_000)
    let reports = world.host.events.filter { $0[1] == 0x3e && $0[3] == 0x0c }.map { Array($0[4...]) }
    #expect(reports == [[0x23, 1, 0, 1, 1], [0, 1, 0, 2, 2]])
    #expect(world.host.disconnectReason == nil)
  }

  /// Both sides ask for features, lengths and versions at once.
  @Test func bothMayAskAtOnce() {
    let world = World.connected()
    world.host.command(0x2016, [1, 0])
    world.host.command(0x041d, [1, 0])
    world.host.command(0x2022, [1, 0, 251, 0, 0x48, 8])
    world.central.send(control: [8] + world.central.octets(LinkFeatures.all.rawValue, 8))
    world.central.sendVersion()
    world.central.sendLengths()
    world.run(for: 2_000_000)
    #expect(world.host.last(0x3e, subevent: 4)?[1] == 0)
    #expect(world.host.last(0x0c)?[0] == 0)
    #expect(world.host.last(0x3e, subevent: 7) == [7, 1, 0, 251, 0, 0x48, 8, 251, 0, 0x48, 8])
    #expect(world.central.controls(9).count == 1 && world.central.controls(0x0c).count == 1)
    #expect(world.central.controls(0x15).count == 1 && world.central.controls(0x14).count == 1)
    #expect(world.host.disconnectReason == nil)
  }

  /// What came at a bad time is asked for again.
  @Test func asksAgainAfterACollision() {
    let world = World.connected { $0.answersProcedures = false }
    world.host.command(0x2022, [1, 0, 251, 0, 0x48, 8])
    world.run(for: 200_000)
    #expect(world.central.controls(0x14).count == 1)
    world.central.send(control: [0x11, 0x14, 0x2a])
    world.run(for: 200_000)
    #expect(world.central.controls(0x14).count == 2)
    // A plain refusal is the last word.
    world.central.send(control: [0x11, 0x14, 0x1a])
    world.run(for: 200_000)
    #expect(world.central.controls(0x14).count == 2)
  }

  @Test func doesNotWaitForeverForAnAnswer() {
    let world = World.connected { $0.answersProcedures = false }
    world.keepsAired = false
    world.host.command(0x2016, [1, 0])
    world.run(for: 39_000_000)
    #expect(world.host.disconnectReason == nil)
    world.run(for: 2_000_000)
    #expect(world.host.disconnectReason == 0x22)
  }

  @Test func doesNotWaitForeverForAChangeOfPHYs() {
    let world = World.connected()
    world.keepsAired = false
    world.central.send(control: [0x16, 3, 3])
    world.run(for: 39_000_000)
    #expect(world.central.controls(0x17).count == 1)
    #expect(world.host.disconnectReason == nil)
    world.run(for: 2_000_000)
    #expect(world.host.disconnectReason == 0x22)
  }

  /// Answers to nothing, twice, late: nothing comes of it but a number.
  @Test func takesNoNoticeOfAnswersToNothing() {
    let world = World.connected { $0.answersProcedures = false }
    for payload: [UInt8] in [
      [9, 1, 0, 0, 0, 0, 0, 0, 0], [0x15, 251, 0, 0x48, 8, 251, 0, 0x48, 8], [6], [0x0b], [0x0d, 0x1a],
      [0x11, 0x16, 0x23], [0x0a],
    ] {
      world.central.send(control: payload)
      world.central.send(control: payload)
    }
    world.run(for: 2_000_000)
    #expect(world.host.disconnectReason == nil)
    #expect(world.peripheral.with { $0.counters.violations } == 14)
    #expect(world.central.received.isEmpty)
    world.host.send([1])
    world.run(for: 200_000)
    #expect(world.uploaded == [[1]])
  }
}
