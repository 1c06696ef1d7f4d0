import BLELinkLayer
import BoardSupport
import CBoard

/// The RADIO under the link layer: what is armed, and what is done between a packet and its answer.
///
/// One interrupt a packet, DISABLED. By then the radio has turned round and ramps up for the answer, which begins T_IFS
/// after the packet by the radio's own doing (register TIFS), however late the interrupt is; ``RadioGuard`` is for when it
/// is too late. T_IFS by hardware wants the default ramp-up (nRF52840 Product Specification, MODECNF0). Between receiving
/// and sending the radio always is off for a moment, as anomaly 204 asks for. Anomalies 102, 106 and 107 are of the
/// nRF52832 only; 172, 191 and 243 concern coded PHYs.
struct RadioDriver: ~Copyable {
  /// From TXEN or RXEN to the first bit, or to the moment from which on bits are heard.
  private static var rampUp: UInt32 { 140 }
  /// Between READY and the first bit in the air.
  private static var transmitDelay: UInt32 { 1 }
  /// How much earlier than necessary it listens, and longer.
  private static var margin: UInt32 { 4 }
  /// Inaccuracy that T_IFS may have.
  private static var spaceTolerance: UInt32 { 2 }

  private enum Phase { case off, listening, sending }

  /// What the link layer is asked.
  var event = RadioEvent()
  private let packets: UnsafeMutablePointer<UInt8>
  private var command: RadioCommand?
  private var phase = Phase.off
  /// Whether what is on the air, or to come, is the packet that begins the event.
  private var isOpening = false
  private(set) var counters = RadioCounters()

  /// - Parameter packets: where the link layer's packets are, for good.
  init(packets: UnsafeMutablePointer<UInt8>) {
    self.packets = packets
    RadioTimer.start()
    RadioGuard.setUp()
    RadioSetUp.configure()
    RADIO.intenclr.value = UInt32.max
    RADIO.intenset.value = RADIO.disabledInterrupt
  }

  private func buffer(_ index: UInt8) -> UnsafeMutablePointer<UInt8> {
    packets + Int(index) * PacketMemory.stride
  }

  private static func place(of buffer: UnsafeMutablePointer<UInt8>) -> UInt32 {
    UInt32(UInt(bitPattern: buffer))
  }

  // MARK: Arming, with the radio's interrupt held

  /// Has the timer begin what is commanded; if it is too late for that, it is missed.
  mutating func arm(_ command: RadioCommand) {
    // It may still be stopping: some microseconds.
    while RADIO.state.value != RADIO.disabled {}
    RADIO.eventsDISABLED.forget()
    RADIO.eventsEND.forget()
    _ = RadioGuard.callOff()
    RadioSetUp.tune(to: command)
    self.command = command
    isOpening = true
    let opening: RadioTime
    let channels: UInt32
    switch command.opening {
    case .transmit(let packet, let header):
      phase = .sending
      load(packet, header: header)
      RADIO.shorts.value = RadioSetUp.sending
      opening = command.start - (Self.rampUp + Self.transmitDelay)
      channels = PPI.Wired.timer0Compare0TXEN
    case .listen:
      phase = .listening
      RADIO.packetptr.value = Self.place(of: buffer(event.receiveBuffer))
      RADIO.shorts.value = RadioSetUp.listening
      opening = command.start - (Self.rampUp + Self.margin)
      setClosing(firstBitBefore: command.start + command.window, command.receivePHY)
      channels = PPI.Wired.timer0Compare0RXEN | Self.whileListening
    }
    RadioTimer.opening.value = opening.microseconds
    data_barrier()
    PPI.chenset.value = channels
    // Nobody rings for a moment that has passed.
    if !RadioTimer.now.isBefore(opening), RADIO.state.value == RADIO.disabled { miss() }
  }

  /// Takes back what was armed, has not begun and is of no use any more.
  ///
  /// - Returns: whether there was such a thing.
  mutating func takeBack() -> Bool {
    guard event.isAborted, !event.isClosed, phase != .off, isOpening else { return false }
    PPI.chenclr.value = Self.whileOpening
    guard RADIO.state.value == RADIO.disabled, !RADIO.eventsDISABLED.hasHappened else { return false }
    switchOff()
    event.missed()
    return true
  }

  private mutating func miss() {
    PPI.chenclr.value = Self.whileOpening
    // It may have begun after all, at the last moment.
    guard RADIO.state.value == RADIO.disabled, !RADIO.eventsDISABLED.hasHappened else { return }
    switchOff()
    counters.missed &+= 1
    event.missed()
  }

  private static var whileListening: UInt32 {
    PPI.Wired.timer0Compare1DISABLE | PPI.Wired.addressTimer0CAPTURE1
  }

  private static var whileOpening: UInt32 {
    PPI.Wired.timer0Compare0TXEN | PPI.Wired.timer0Compare0RXEN
  }

  private func setClosing(firstBitBefore last: RadioTime, _ phy: PHY) {
    let delay = phy.addressTime &+ phy.receiveDelay &+ Self.margin
    RadioTimer.closing.value = (last + delay).microseconds
  }

  private func load(_ packet: Packet, header: UInt8) {
    let buffer = buffer(packet.buffer)
    buffer[0] = header
    RADIO.packetptr.value = Self.place(of: buffer)
  }

  /// Whether nothing is under way, and nothing begins within so many microseconds.
  func isIdle(for microseconds: UInt32) -> Bool {
    guard phase != .off else { return true }
    guard isOpening, RADIO.state.value == RADIO.disabled, !RADIO.eventsDISABLED.hasHappened else {
      return false
    }
    return (RadioTimer.now + microseconds).isBefore(RadioTime(microseconds: RadioTimer.opening.value))
  }

  // MARK: Between a packet and its answer

  /// The radio is off, or turns round.
  mutating func interrupt() {
    guard RADIO.eventsDISABLED.take() else { return }
    let hasEnded = RADIO.eventsEND.take()
    guard phase != .off, let command else {
      _ = RadioGuard.callOff()
      return
    }
    PPI.chenclr.value = Self.whileOpening | Self.whileListening
    // What was received is in memory now.
    data_barrier()
    let turn: Turn
    if !hasEnded {
      event.heardNothing()
      turn = .close
    } else if phase == .listening {
      turn = received(command)
    } else if isOpening {
      turn = event.isAborted ? event.transmitted(end: RadioTimer.packetEnd) : .listen
    } else {
      turn = event.transmitted(end: RadioTimer.packetEnd)
    }
    isOpening = false
    switch turn {
    case .transmit(let packet, let header):
      phase = .sending
      load(packet, header: header)
      RADIO.shorts.value = RadioSetUp.sending
    case .listen:
      phase = .listening
      RADIO.packetptr.value = Self.place(of: buffer(event.receiveBuffer))
      RADIO.shorts.value = RadioSetUp.listening
      let space = RadioCommand.interFrameSpace &+ Self.spaceTolerance &+ Self.transmitDelay
      setClosing(firstBitBefore: RadioTimer.packetEnd + space, command.receivePHY)
      PPI.chenset.value = Self.whileListening
    case .close:
      return switchOff()
    }
    data_barrier()
    guard RadioGuard.callOff() else {
      switchOff()
      counters.late &+= 1
      return event.missed()
    }
  }

  private mutating func received(_ command: RadioCommand) -> Turn {
    let delay = command.receivePHY.receiveDelay
    let buffer = buffer(event.receiveBuffer)
    let length = buffer[1]
    let isIntact = RADIO.crcstatus.value & 1 != 0 && length <= command.maximumLength
    // A buffer holds whatever a length may say.
    let pdu = UnsafeBufferPointer(start: UnsafePointer(buffer), count: 2 &+ Int(length))
    return event.received(
      pdu.span, isIntact: isIntact, from: RadioTimer.address - (command.receivePHY.addressTime &+ delay),
      to: RadioTimer.packetEnd - delay, rssi: 0 &- Int8(truncatingIfNeeded: RADIO.rssisample.value & 0x7f))
  }

  /// Ends whatever the radio does, and all that would begin anything, for good.
  static func silence() {
    PPI.chenclr.value = .max
    RADIO.shorts.value = 0
    RADIO.tasksDISABLE.trigger()
  }

  private mutating func switchOff() {
    phase = .off
    PPI.chenclr.value = Self.whileOpening | Self.whileListening
    RADIO.shorts.value = 0
    RADIO.tasksDISABLE.trigger()
    _ = RadioGuard.callOff()
  }
}

/// What the processor was too late for, since the start.
struct RadioCounters {
  /// Events that could not be armed in time.
  var missed: UInt32 = 0
  /// Answers that were not prepared in time, and not given.
  var late: UInt32 = 0
}

extension PHY {
  /// Preamble and access address, in µs.
  fileprivate var addressTime: UInt32 {
    switch self {
    case .oneMegabit: 40
    case .twoMegabit: 24
    }
  }

  /// How much later than in the air the radio sees the ends of an address and of a packet, in µs: 9.4 and 5 as Zephyr's
  /// controller knows them, which nobody outside the vendor has measured.
  fileprivate var receiveDelay: UInt32 {
    switch self {
    case .oneMegabit: 9
    case .twoMegabit: 5
    }
  }
}
