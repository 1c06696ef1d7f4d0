import Bytes
import Cryptography

@testable import BLELinkLayer

/// The host above a link layer.
protocol TestHost: AnyObject {
  /// Exchanges what there is to exchange.
  func pump(_ layer: inout LinkLayer<MeteredEncryption>, clock: Int64, radio: RadioTime)
}

/// A driver of the link layer in virtual time, with a clock that runs wrong and wraps soon.
final class TestPeripheral {
  private(set) var layer: LinkLayer<MeteredEncryption>
  private var event = RadioEvent()
  private(set) var armed: RadioCommand?
  /// Since when it listens for another packet of the event, by the world's clock; nil if it does not.
  private var listensSince: Int64?
  let host: any TestHost
  private let drift: Int64
  private static let offset: Int64 = 0xfff0_0000
  private let meter = Meter()
  /// What two blocks of AES cost the lower priority, in ns. (The radio's interrupt comes in between.)
  var costOfBlocks: Int64 = 0
  /// Until when it is at work.
  private var worksUntil: Int64 = 0
  /// Until when the processor does nothing, by the world's clock: it writes its flash.
  private var stalledUntil: Int64 = 0
  /// How often a command came too late to be armed, or listened for no time.
  private(set) var lateCommands = 0

  init(drift: Int64, configuration: LinkLayerConfiguration, host: any TestHost) {
    self.drift = drift
    self.host = host
    layer = LinkLayer(
      configuration: configuration, encryption: MeteredEncryption(meter: meter),
      seed: Words256(high: Block128(1, 2, 3, 4), low: Block128(5, 6, 7, 8)))
  }

  func with<Result>(_ body: (inout LinkLayer<MeteredEncryption>) -> Result) -> Result { body(&layer) }

  // MARK: Time

  private func local(_ time: Int64) -> Int64 { time / 1000 * (1_000_000 + drift) / 1_000_000 + Self.offset }

  func radioTime(of time: Int64) -> RadioTime {
    RadioTime(microseconds: UInt32(truncatingIfNeeded: local(time)))
  }

  private func time(of moment: RadioTime, near time: Int64) -> Int64 {
    let full = local(time) + Int64(moment.since(radioTime(of: time)))
    return (full - Self.offset) * 1_000_000 / (1_000_000 + drift) * 1000
  }

  /// When the radio does something by itself: sends, or gives up listening.
  func radioTime(_ now: Int64) -> Int64? {
    guard let armed else { return nil }
    return max(now, stalledUntil, time(of: armed.start + armed.window + 1, near: now))
  }

  /// When the lower priority has done what it is at.
  func endOfWork(_ now: Int64) -> Int64? { worksUntil > now ? worksUntil : nil }

  /// The processor does nothing for so long.
  func stall(for microseconds: Int64, _ now: Int64) { stalledUntil = now + microseconds * 1000 }

  func deadline(_ now: Int64) -> Int64? {
    guard let deadline = layer.nextDeadline else { return nil }
    return max(now, stalledUntil, time(of: deadline + 2, near: now))
  }

  // MARK: The lower priority

  func settle(_ now: Int64) {
    guard now >= stalledUntil, now >= worksUntil else { return }
    var more = true
    var rounds = 0
    while more {
      rounds += 1
      precondition(rounds < 1000, "the link layer never comes to rest")
      exchange(now)
      host.pump(&layer, clock: now, radio: radioTime(of: now))
      more = layer.work(now: radioTime(of: now))
      if let cost = meter.take(costOfBlocks) {
        worksUntil = now + cost
        return
      }
      exchange(now)
      more = takeBack(now) || more
    }
    host.pump(&layer, clock: now, radio: radioTime(of: now))
    exchange(now)
  }

  private func exchange(_ now: Int64) {
    guard let command = layer.exchange(with: &event) else { return }
    if command.start.isBefore(radioTime(of: now)) { lateCommands += 1 }
    armed = command
    listensSince = nil
  }

  /// Takes back what was armed, has not begun and is of no use any more.
  private func takeBack(_ now: Int64) -> Bool {
    guard let command = armed, event.isAborted, listensSince == nil,
      radioTime(of: now).isBefore(command.start)
    else { return false }
    armed = nil
    event.missed()
    return true
  }

  // MARK: The radio

  func octets(of packet: Packet, header: UInt8) -> [UInt8] {
    let start = layer.memory.address(of: packet.buffer)
    start[0] = header
    return (0..<2 + Int(packet.length)).map { start[$0] }
  }

  func heardNothing(_ now: Int64) {
    let isLate = armed.map { time(of: $0.start + $0.window, near: now) < now - 10_000 } ?? false
    armed = nil
    listensSince = nil
    if isLate { event.missed() } else { event.heardNothing() }
    settle(now)
  }

  /// - Returns: what it answers, and on which PHY; nil if it does not, as it did not listen there and then.
  func hear(
    _ octets: [UInt8], isIntact: Bool, from start: Int64, to end: Int64, channel: UInt8, _ phy: PHY,
    _ address: (accessAddress: UInt32, crcInit: UInt32)
  ) -> (octets: [UInt8], phy: PHY)? {
    guard start >= stalledUntil, let command = armed, command.channel == channel, command.receivePHY == phy,
      command.accessAddress == address.accessAddress, command.crcInit == address.crcInit
    else { return nil }
    let begin = radioTime(of: start)
    if let listensSince {
      guard abs(start - listensSince - 150_000) <= 2000 else { return nil }
    } else if case .listen = command.opening {
      guard begin.since(command.start) >= 0, begin.since(command.start) <= Int32(command.window) else {
        return nil
      }
    }
    let fits = octets[1] <= command.maximumLength
    let buffer = layer.memory.address(of: event.receiveBuffer)
    for (i, octet) in octets.prefix(2 + Int(command.maximumLength)).enumerated() { buffer[i] = octet }
    if !fits { buffer[1] = command.maximumLength }
    let turn = Self.receive(
      layer.memory, &event, isIntact: isIntact && fits, from: begin, to: radioTime(of: end))
    switch turn {
    case .transmit(let packet, let header):
      return (self.octets(of: packet, header: header), command.transmitPHY)
    case .listen: preconditionFailure("nobody sends without having listened")
    case .close:
      armed = nil
      settle(end)
      return nil
    }
  }

  private static func receive(
    _ memory: borrowing PacketMemory, _ event: inout RadioEvent, isIntact: Bool, from start: RadioTime,
    to end: RadioTime
  ) -> Turn {
    event.received(memory.pdu(of: event.receiveBuffer), isIntact: isIntact, from: start, to: end, rssi: -40)
  }

  func transmitted(_ end: Int64) {
    if event.transmitted(end: radioTime(of: end)) == .listen {
      listensSince = end
    } else {
      armed = nil
    }
    settle(end)
  }

  /// The central sent no more in the event under way.
  func eventEnded(_ now: Int64) {
    if armed != nil, listensSince != nil { heardNothing(now) }
  }
}

/// Counts what is encrypted.
final class Meter {
  private var count: Int64 = 0

  func add() { count += 1 }

  /// What was done since the last time, in ns; nil if it was nothing, or costs nothing.
  func take(_ each: Int64) -> Int64? {
    defer { count = 0 }
    return count * each > 0 ? count * each : nil
  }
}

/// AES in software, metered.
struct MeteredEncryption: BlockEncryption {
  private var cipher = SoftwareEncryption()
  private let meter: Meter

  init(meter: Meter) { self.meter = meter }

  mutating func use(key: Block128) { cipher.use(key: key) }

  mutating func encrypt(_ first: inout Block128, _ second: inout Block128) {
    meter.add()
    cipher.encrypt(&first, &second)
  }
}
