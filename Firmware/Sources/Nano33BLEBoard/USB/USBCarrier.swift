import BoardSupport
import CBoard
import USBDevice

/// The USB port as the main loop sees it.
struct USBCarrier: ~Copyable {
  /// More than a main loop that trains for two milliseconds lets come together.
  private static var receiving: Int { 2048 }
  private static var sending: Int { 2048 }

  private let port: UnsafeMutablePointer<USBPort>

  /// Switches the port on. Its interrupts run from now on.
  init(identity: DeviceIdentity) {
    port = .allocate(capacity: 1)
    port.initialize(
      to: USBPort(device: SerialDevice(identity: identity, receiving: Self.receiving, sending: Self.sending)))
    interruptedPort = port
    // A bootloader may have left its own.
    POWER.intenclr.value = UInt32.max
    port.pointee.followPower()
    POWER.intenset.value =
      POWER.Interrupt.hfclkstarted | POWER.Interrupt.usbdetected | POWER.Interrupt.usbremoved
      | POWER.Interrupt.usbpwrrdy
    InterruptController.enable(POWER.interruptNumber, urgency: Urgency.others)
    InterruptController.enable(USBD.interruptNumber, urgency: Urgency.others)
    // What came between the look at the power and its interrupt.
    InterruptController.pend(POWER.interruptNumber)
  }

  /// From here to ``release()`` the port is the main loop's.
  private func hold() {
    InterruptController.hold(POWER.interruptNumber)
    InterruptController.hold(USBD.interruptNumber)
  }

  private func release() {
    InterruptController.release(USBD.interruptNumber)
    InterruptController.release(POWER.interruptNumber)
  }

  func receive(into room: inout MutableSpan<UInt8>) -> Int {
    hold()
    defer { release() }
    let count = port.pointee.device.receive(into: &room)
    // A packet may have waited for the room.
    if count > 0 && port.pointee.holdsBytes { InterruptController.pend(USBD.interruptNumber) }
    return count
  }

  func send(_ bytes: Span<UInt8>) -> Int {
    hold()
    defer { release() }
    let count = port.pointee.device.send(bytes)
    if count > 0 { InterruptController.pend(USBD.interruptNumber) }
    port.pointee.wakeHost()
    return count
  }

  /// Whether somebody has the port open. Wakes a host that does not hear what waits for it.
  var isAttached: Bool {
    hold()
    defer { release() }
    port.pointee.wakeHost()
    return port.pointee.lookForSomebody()
  }

  /// Whether bytes have come, or something else than what the main loop saw last is true of the port.
  var hasNews: Bool {
    hold()
    defer { release() }
    return port.pointee.hasNews
  }

  var hasRoom: Bool {
    hold()
    defer { release() }
    return port.pointee.device.hasRoom
  }

  /// Whether the host wants the bootloader.
  var asksForBootloader: Bool {
    hold()
    defer { release() }
    return port.pointee.lookForTouch()
  }

  /// Leaves the bus, for good.
  static func leave() { USBD.usbpullup.value = 0 }
}

// Set before the interrupts are let through.
@exclusivity(unchecked) nonisolated(unsafe) private var interruptedPort: UnsafeMutablePointer<USBPort>?

/// POWER and CLOCK.
@c(IRQ0_Handler)
public func powerInterrupt() { interruptedPort?.pointee.powerInterrupt() }

/// USBD.
@c(IRQ39_Handler)
public func usbInterrupt() { interruptedPort?.pointee.interrupt() }
