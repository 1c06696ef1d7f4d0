import BoardSupport
import CBoard
import USBDevice

/// The board's USB port: USBD below, ``SerialDevice`` above.
///
/// All of it is done in the interrupts of USBD and POWER, which have the same priority; the main loop keeps both away
/// while it reaches in, and pends USBD's where there is something to do. So neither locks nor atomics are needed.
struct USBPort: ~Copyable {
  private static var interrupts: UInt32 {
    USBD.Interrupt.usbreset | USBD.Interrupt.ep0datadone | USBD.Interrupt.usbevent | USBD.Interrupt.ep0setup
      | USBD.Interrupt.epdata
  }

  var device: SerialDevice
  private var endpoints = USBEndpoints()
  /// Each packet passes through here: EasyDMA wants words in memory.
  private let packet: UnsafeMutableBufferPointer<UInt8>
  private var isOn = false
  private var isPulledUp = false
  /// The host is to send a packet on endpoint 0; otherwise it is to take one.
  private var awaitsControlData = false
  /// The buffer of the endpoint holds a packet. While it does, the host gets NAK.
  private(set) var holdsBytes = false
  /// The host was to be woken, and nothing has come of it yet.
  private var isWaking = false
  /// What the main loop knows of it.
  private var seenAttached = false
  private var seenTouch = false

  init(device: consuming SerialDevice) {
    self.device = device
    let memory = UnsafeMutableRawPointer.allocate(byteCount: SerialDevice.packetSize, alignment: 4)
    packet = UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: UInt8.self, capacity: SerialDevice.packetSize),
      count: SerialDevice.packetSize)
  }

  /// Whether somebody has the port open, for the main loop.
  mutating func lookForSomebody() -> Bool {
    seenAttached = device.isAttached
    return seenAttached
  }

  /// Whether the host wants the bootloader, for the main loop.
  mutating func lookForTouch() -> Bool {
    seenTouch = device.asksForBootloader
    return seenTouch
  }

  /// Whether the main loop has something to do.
  var hasNews: Bool {
    device.hasReceived || device.isAttached != seenAttached || device.asksForBootloader != seenTouch
  }

  // MARK: Power

  /// Goes by whether there is power *now*: after a reset by software the event of its coming is long over.
  mutating func followPower() {
    let status = POWER.usbregstatus.value
    guard status & POWER.USBRegulator.vbusdetect != 0 else { return switchOff() }
    if !isOn { switchOn() }
    let isFed = status & POWER.USBRegulator.outputrdy != 0
    guard isOn, !isPulledUp, isFed, CLOCK.hfclkstat.value & CLOCK.crystalRuns == CLOCK.crystalRuns else {
      return
    }
    isPulledUp = true
    USBD.usbpullup.value = 1
  }

  /// The events of POWER and CLOCK.
  mutating func powerInterrupt() {
    _ = CLOCK.eventsHFCLKSTARTED.take()
    _ = POWER.eventsUSBDETECTED.take()
    _ = POWER.eventsUSBPWRRDY.take()
    // Even if there is power again: the peripheral was without.
    if POWER.eventsUSBREMOVED.take() { switchOff() }
    followPower()
  }

  private mutating func switchOn() {
    USBErrata.beginEnabling()
    USBErrata.beginPowerUp()
    // Twice: erratum 223, the first time after a reset leads astray.
    isOn = Self.enable()
    USBD.enable.value = 0
    isOn = Self.enable() && isOn
    USBErrata.endPowerUp()
    USBErrata.endEnabling()
    guard isOn else {
      USBD.enable.value = 0
      return
    }
    device.powered()
    endpoints.close()
    // Of a cable that was there before.
    USBD.eventsUSBRESET.forget()
    USBD.eventsEP0SETUP.forget()
    forgetData()
    USBD.intenset.value = Self.interrupts
  }

  /// Takes a few microseconds; false if it takes a hundred times as long.
  private static func enable() -> Bool {
    USBD.eventcause.value = USBD.Cause.ready
    USBD.enable.value = 1
    var patience = 10_000
    while USBD.eventcause.value & USBD.Cause.ready == 0, patience > 0 { patience -= 1 }
    let isReady = USBD.eventcause.value & USBD.Cause.ready != 0
    USBD.eventcause.value = USBD.Cause.ready
    return isReady
  }

  private mutating func switchOff() {
    guard isOn else { return }
    USBD.intenclr.value = UInt32.max
    USBD.usbpullup.value = 0
    USBD.enable.value = 0
    isOn = false
    isPulledUp = false
    forgetTransfers()
    device.powerLost()
    _ = device.takeChanges()
  }

  /// There is no way on but to begin again, which the host sees as the cable being pulled for a moment.
  private mutating func restart() {
    switchOff()
    followPower()
  }

  // MARK: Events

  /// The interrupt of USBD.
  mutating func interrupt() {
    guard isOn else { return }
    if USBD.eventsUSBRESET.take() { reset() }
    if USBD.eventsUSBEVENT.take() { busEvent() }
    if isWaking, USBD.eventsSOF.take() { hostIsAwake() }
    if USBD.eventsEPDATA.take() { dataEvent() }
    if USBD.eventsEP0SETUP.take() {
      setup()
    } else if USBD.eventsEP0DATADONE.take() {
      controlDataDone()
    }
    movePackets()
  }

  private func forgetData() {
    USBD.eventsEPDATA.forget()
    USBD.epdatastatus.value = UInt32.max
    USBD.eventsEP0DATADONE.forget()
  }

  private mutating func forgetTransfers() {
    awaitsControlData = false
    holdsBytes = false
    isWaking = false
  }

  private mutating func reset() {
    if isWaking { hostIsAwake() }
    USBD.lowpower.value = USBD.Power.forceNormal
    // Not EP0SETUP: the first request may have come already.
    forgetData()
    forgetTransfers()
    device.busReset()
    endpoints.close()
    _ = device.takeChanges()
  }

  private mutating func busEvent() {
    let cause = USBD.eventcause.value
    USBD.eventcause.value = cause
    if cause & USBD.Cause.suspend != 0 {
      device.suspend()
      USBD.lowpower.value = USBD.Power.lowPower
    }
    if cause & USBD.Cause.resume != 0 {
      USBD.lowpower.value = USBD.Power.forceNormal
      if isWaking { hostIsAwake() }
      device.resume()
    }
    if cause & USBD.Cause.usbwuallowed != 0, isWaking {
      USBErrata.endPowerUp()
      USBD.dpdmvalue.value = USBD.driveResume
      USBD.tasksDPDMDRIVE.trigger()
      // A host that was woken is seen by the first frame it starts.
      USBD.eventsSOF.forget()
      USBD.intenset.value = USBD.Interrupt.sof
    }
  }

  /// Wakes a sleeping host that has something to hear and allows it.
  mutating func wakeHost() {
    guard device.wantsToWakeHost, !isWaking else { return }
    isWaking = true
    USBErrata.beginPowerUp()
    USBD.lowpower.value = USBD.Power.forceNormal
  }

  private mutating func hostIsAwake() {
    isWaking = false
    USBErrata.endPowerUp()
    USBD.intenclr.value = USBD.Interrupt.sof
    device.resume()
  }

  private mutating func dataEvent() {
    // The event first: data that comes now raises it again.
    let status = USBD.epdatastatus.value
    USBD.epdatastatus.value = status
    if status & USBD.DataStatus.epin(UInt32(Endpoint.bytesIn.number)) != 0 { device.packetSent(on: .bytesIn) }
    if status & USBD.DataStatus.epout(UInt32(Endpoint.bytesOut.number)) != 0 { holdsBytes = true }
    if status & USBD.DataStatus.epin(UInt32(Endpoint.notifications.number)) != 0 {
      device.packetSent(on: .notifications)
    }
  }

  // MARK: Endpoint 0

  private mutating func setup() {
    // Of a transfer that is over now.
    USBD.eventsEP0DATADONE.forget()
    let request = SetupPacket(
      requestType: Self.byte(USBD.bmrequesttype), request: Self.byte(USBD.brequest),
      value: Self.word(USBD.wvaluel, USBD.wvalueh), index: Self.word(USBD.windexl, USBD.windexh),
      length: Self.word(USBD.wlengthl, USBD.wlengthh))
    // SET_ADDRESS is answered by the peripheral, and may never be seen here.
    device.addressed(Self.byte(USBD.usbaddr))
    // Of two requests at once these are halves; the second comes with an event of its own.
    guard !USBD.eventsEP0SETUP.hasHappened else { return }
    perform(device.setup(request))
  }

  private static func byte(_ register: Register) -> UInt8 { UInt8(truncatingIfNeeded: register.value) }

  private static func word(_ low: Register, _ high: Register) -> UInt16 {
    UInt16(byte(low)) | UInt16(byte(high)) << 8
  }

  private mutating func controlDataDone() {
    guard awaitsControlData else { return perform(device.controlPacketSent()) }
    guard let count = receivePacket(on: 0) else { return restart() }
    let packet = packet
    perform(device.controlPacketReceived(packet.span.extracting(0..<count)))
  }

  private mutating func perform(_ action: ControlAction) {
    followChanges()
    awaitsControlData = action == .receive
    switch action {
    case .wait: break
    case .send(let count):
      var room = packet.mutableSpan
      device.copyControlPacket(into: &room)
      if !USBTransfer.send(count, from: start, on: 0) { restart() }
    case .receive: USBD.tasksEP0RCVOUT.trigger()
    case .acknowledge: USBD.tasksEP0STATUS.trigger()
    case .takeAddress: break  // Done by the peripheral, status stage and all.
    case .stall: USBD.tasksEP0STALL.trigger()
    }
  }

  private mutating func followChanges() {
    let changes = device.takeChanges()
    guard !changes.isEmpty else { return }
    if changes.contains(.opened) || changes.contains(.closed) { holdsBytes = false }
    if changes.contains(.opened) {
      endpoints.open()
    } else if changes.contains(.closed) {
      endpoints.close()
    }
    if changes.concerns(.bytesOut) { follow(.bytesOut) }
    if changes.concerns(.notifications) { follow(.notifications) }
    if changes.concerns(.bytesIn) { follow(.bytesIn) }
  }

  private mutating func follow(_ endpoint: Endpoint) {
    endpoints.change(endpoint, isHalted: device.isHalted(endpoint), holdsBytes: holdsBytes)
  }

  // MARK: Packets

  private var start: UnsafeMutablePointer<UInt8> { packet.baseAddress! }

  /// Moves what can be moved between the other endpoints and the device. Nothing while the peripheral is in low power:
  /// its clock stands still.
  private mutating func movePackets() {
    guard !device.isSuspended else { return }
    if holdsBytes, device.canReceive {
      holdsBytes = false
      guard let count = receivePacket(on: UInt32(Endpoint.bytesOut.number)) else { return restart() }
      let packet = packet
      device.packetReceived(packet.span.extracting(0..<count))
    }
    guard sendNext(on: .bytesIn), sendNext(on: .notifications) else { return restart() }
  }

  /// - Returns: false if there was something to send and it cannot be.
  private mutating func sendNext(on endpoint: Endpoint) -> Bool {
    let packet = packet
    var room = packet.mutableSpan
    guard let count = device.nextPacket(on: endpoint, into: &room) else { return true }
    return USBTransfer.send(count, from: start, on: UInt32(endpoint.number))
  }

  /// Takes the packet that an endpoint holds; its length, or nil if it cannot be had.
  private func receivePacket(on endpoint: UInt32) -> Int? {
    let count = min(Int(USBD.sizeEPOUT(endpoint).value), SerialDevice.packetSize)
    return USBTransfer.receive(count, into: start, on: endpoint) ? count : nil
  }
}
