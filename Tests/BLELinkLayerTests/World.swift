import BLELinkLayer
import PropertyTesting

/// What the air does to packets.
struct AirFaults {
  var loss = 0.0
  var corruption = 0.0
  /// Channels on which nothing gets through.
  var jammed: Set<UInt8> = []
  /// While true nothing gets through at all.
  var isSilent = false
}

/// A packet as it was on the air.
struct AiredPacket {
  var start: Int64
  var end: Int64
  var channel: UInt8
  var octets: [UInt8]
  var fromCentral: Bool
}

/// A peripheral and a central with clocks of their own, joined by an air with faults, in virtual time: nanoseconds of a
/// clock that nobody has.
final class World {
  var now: Int64 = 0
  let peripheral: TestPeripheral
  let central: TestCentral
  var faults = AirFaults()
  var generator: SeededGenerator
  private(set) var aired: [AiredPacket] = []
  var keepsAired = true

  init(
    seed: UInt64 = 1, peripheralDrift: Int64 = 0, centralDrift: Int64 = 0,
    configuration: LinkLayerConfiguration = LinkLayerConfiguration(), host: any TestHost = RawHost()
  ) {
    generator = SeededGenerator(seed: seed)
    peripheral = TestPeripheral(drift: peripheralDrift, configuration: configuration, host: host)
    central = TestCentral(drift: centralDrift)
  }

  /// Lets what is due happen, one thing at a time, until the time has come.
  func run(for microseconds: Int64) { run(until: now + microseconds * 1000) }

  func run(until end: Int64) {
    peripheral.settle(now)
    while true {
      let anchor = central.nextAnchor ?? .max
      let radio = peripheral.radioTime(now) ?? .max
      let deadline = peripheral.deadline(now) ?? .max
      let work = peripheral.endOfWork(now) ?? .max
      let next = min(anchor, radio, deadline, work)
      guard next <= end else { break }
      now = max(now, next)
      if next == anchor {
        central.runEvent(in: self)
      } else if next == radio {
        runRadio()
      } else {
        peripheral.settle(now)
      }
    }
    now = end
    peripheral.settle(now)
  }

  /// Runs until something is so; false if it is not within the time.
  func run(atMost microseconds: Int64 = 5_000_000, step: Int64 = 1000, until isSo: () -> Bool) -> Bool {
    let end = now + microseconds * 1000
    while !isSo() {
      guard now < end else { return false }
      run(for: step)
    }
    return true
  }

  // MARK: The peripheral's radio

  private func runRadio() {
    guard let command = peripheral.armed else { return }
    switch command.opening {
    case .listen:
      peripheral.heardNothing(now)
    case .transmit(let packet, let header):
      let octets = peripheral.octets(of: packet, header: header)
      let end = now + Int64(PHY.oneMegabit.duration(length: packet.length)) * 1000
      note(AiredPacket(start: now, end: end, channel: command.channel, octets: octets, fromCentral: false))
      guard let answer = gets(through: command.channel) ? central.answer(toAdvertisement: octets) : nil
      else {
        peripheral.heardNothing(end + 200_000)
        return
      }
      let start = end + 150_000
      now = start
      if let reply = send(answer, on: command.channel, .oneMegabit) {
        central.received(reply: reply.octets)
      }
      if answer[0] & 15 == 5 {
        central.connected(requestEnd: start + Int64(PHY.oneMegabit.duration(length: 34)) * 1000, self)
      }
    }
  }

  // MARK: The air

  func note(_ packet: AiredPacket) {
    if keepsAired { aired.append(packet) }
  }

  func gets(through channel: UInt8) -> Bool {
    !faults.isSilent && !faults.jammed.contains(channel) && !generator.chance(faults.loss)
  }

  /// The central sends a packet that begins now.
  ///
  /// - Returns: the peripheral's answer, as the central hears it; nil if it hears none. Time is then at its end.
  func send(_ octets: [UInt8], on channel: UInt8, _ phy: PHY, header: (UInt32, UInt32)? = nil)
    -> (octets: [UInt8], isIntact: Bool)?
  {
    let end = now + Int64(phy.duration(length: octets[1])) * 1000
    note(AiredPacket(start: now, end: end, channel: channel, octets: octets, fromCentral: true))
    let isHeard = gets(through: channel)
    let isIntact = !generator.chance(faults.corruption)
    let start = now
    now = end
    guard isHeard else { return nil }
    let address = header ?? (0x8e89_bed6, 0x55_5555)
    guard
      let answer = peripheral.hear(
        octets, isIntact: isIntact, from: start, to: end, channel: channel, phy, address)
    else { return nil }
    let replyStart = end + 150_000
    let replyEnd = replyStart + Int64(answer.phy.duration(length: answer.octets[1])) * 1000
    note(
      AiredPacket(
        start: replyStart, end: replyEnd, channel: channel, octets: answer.octets, fromCentral: false))
    now = replyEnd
    peripheral.transmitted(replyEnd)
    guard gets(through: channel) else { return nil }
    return (answer.octets, !generator.chance(faults.corruption))
  }
}
