import BoardRuntime
public import BoardSupport
import CBoard
public import LinkProtocol

/// QEMU's MPS2-AN386 as a board: UART0 is the serial carrier, UART1 is kept for Bluetooth HCI.
public struct MPS2Machine: Machine, ~Copyable {
  /// Flash, examples, random numbers, LEDs.
  public typealias Hardware = MPS2Hardware

  /// Room for all that a gateway may have under way: the link's window, its frames' overhead, and control.
  private static var receiveRing: Int { 8192 }
  private static var sendRing: Int { 2048 }
  /// HCI packets are short, and the host waits for its answers.
  private static var hciRing: Int { 512 }

  private var provocation: Provocation

  init(provocation: Provocation) {
    self.provocation = provocation
    Clock.start()
    Alarm.enable()
    serialPort.open(receiving: Self.receiveRing, sending: Self.sendRing)
    hciPort.open(receiving: Self.hciRing, sending: Self.hciRing)
    Watchdog.start()
  }

  /// The time since reset.
  public func now() -> Timestamp { Clock.now }

  /// Takes bytes that came in over UART0.
  public mutating func receive(into room: inout MutableSpan<UInt8>) -> Int {
    guard provocation.letsReceive(now: now()) else { return 0 }
    var count = 0
    while count < room.count, let byte = serialPort.received.take() {
      room[count] = byte
      count += 1
    }
    if count > 0 { provocation.heard(now: now()) }
    return count
  }

  /// Queues bytes for UART0.
  public func transmit(_ bytes: Span<UInt8>) -> Int { serialPort.send(bytes) }

  /// Bytes that UART0 or its ring lost.
  public var bytesLost: UInt32 { serialPort.received.lost }

  /// A UART cannot tell: somebody may always be there.
  public var isAttached: Bool { true }

  /// Shows the watchdog that the main loop goes round.
  public mutating func feedWatchdog() {
    Watchdog.feed()
    provocation.happen(now: now())
  }

  /// Sleeps until an interrupt or `deadline`; at most until the clock's next second.
  public func sleep(until deadline: Timestamp?, awaitsRoom: Bool) {
    interrupts_disable()
    defer { interrupts_enable() }
    guard serialPort.received.isEmpty, !(awaitsRoom && serialPort.hasRoom) else { return }
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
