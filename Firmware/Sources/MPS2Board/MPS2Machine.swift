import BoardRuntime
public import BoardSupport
import CBoard
public import LinkProtocol

/// QEMU's MPS2-AN386 as a board: UART0 is the serial carrier, UART1 leads to a Bluetooth controller.
public struct MPS2Machine: Machine, ~Copyable {
  /// Flash, examples, random numbers, LEDs.
  public typealias Hardware = MPS2Hardware

  /// Room for all that a gateway may have under way: the link's window, its frames' overhead, and control.
  private static var receiveRing: Int { 8192 }
  private static var sendRing: Int { 2048 }
  /// What the controller may say in the two milliseconds of work between two looks at it. It cannot say more: a byte
  /// for which there is no room stays in the UART, which QEMU takes for a line held back, and the controller's socket
  /// fills. H4 would not survive a byte that is lost.
  private static var controllerReceiveRing: Int { 2048 }
  /// Two of the longest packets.
  private static var controllerSendRing: Int { 512 }

  private var provocation: Provocation

  init(provocation: Provocation, hasController: Bool) {
    self.provocation = provocation
    Clock.start()
    Alarm.enable()
    serialPort.open(receiving: Self.receiveRing, sending: Self.sendRing)
    if hasController {
      hciPort.open(receiving: Self.controllerReceiveRing, sending: Self.controllerSendRing)
    }
    Watchdog.start()
  }

  /// The time since reset.
  public func now() -> Timestamp { Clock.now }

  /// Takes bytes that came in over UART0.
  public mutating func receive(into room: inout MutableSpan<UInt8>) -> Int {
    guard provocation.letsReceive(now: now()) else { return 0 }
    let count = serialPort.receive(into: &room)
    if count > 0 { provocation.heard(now: now()) }
    return count
  }

  /// Queues bytes for UART0.
  public func transmit(_ bytes: Span<UInt8>) -> Int { serialPort.send(bytes) }

  /// Bytes that UART0 or its ring lost.
  public var bytesLost: UInt32 { serialPort.received.lost }

  /// A UART cannot tell: somebody may always be there.
  public var isAttached: Bool { true }

  /// Nothing: its LEDs show the phase.
  public func show(_ link: LinkStatus) {}

  /// Shows the watchdog that the main loop goes round.
  public mutating func feedWatchdog() {
    Watchdog.feed()
    provocation.happen(now: now())
  }

  /// Sleeps until an interrupt or `deadline`; at most until the clock's next second.
  public func sleep(until deadline: Timestamp?, awaiting room: AwaitedRoom) {
    interrupts_disable()
    defer { interrupts_enable() }
    guard serialPort.received.isEmpty, !(room.contains(.carrier) && serialPort.hasRoom),
      hciPort.received.isEmpty, !(room.contains(.controller) && hciPort.hasRoom)
    else { return }
    guard let deadline else { return wait_for_interrupt() }
    let left = deadline - Clock.nowWithoutInterrupts
    guard left > 0 else { return }
    guard left < .seconds(1) else { return wait_for_interrupt() }
    Alarm.set(in: UInt32(left))
    // Wakes for an interrupt that is pending already, too, and takes it only when they are enabled again.
    wait_for_interrupt()
    Alarm.cancel()
  }
}
