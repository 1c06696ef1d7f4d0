import BoardSupport
import CBoard
import LinkProtocol

/// Time by TIMER1, which counts microseconds in 32 bits, and alarms by its interrupt. It counts the crystal's
/// oscillation, some tens of parts in a million off at any temperature; the oscillator that runs from reset on may be
/// off by a hundred times that, and USB does not bear it.
struct Clock {
  /// Capture and compare registers.
  private static var captured: UInt32 { 0 }
  private static var alarm: UInt32 { 1 }
  private static var linkAlarm: UInt32 { 2 }

  private var last: UInt32 = 0
  private var wraps: UInt32 = 0

  init() {
    CLOCK.tasksHFCLKSTART.trigger()
    TIMER1.setToMicroseconds()
    TIMER1.tasksSTART.trigger()
    InterruptController.enable(TIMER1.interruptNumber, urgency: Urgency.others)
  }

  /// Waits until the crystal runs, without which there is no radio: some 0.4 ms after it was started.
  static func awaitCrystal() {
    while CLOCK.hfclkstat.value & CLOCK.crystalRuns != CLOCK.crystalRuns {}
  }

  private static func count() -> UInt32 {
    TIMER1.tasksCAPTURE(captured).trigger()
    return TIMER1.cc(captured).value
  }

  /// The time since it was started. The counter wraps every 71 minutes, and the main loop asks every second.
  mutating func now() -> Timestamp {
    let count = Self.count()
    if count < last { wraps += 1 }
    last = count
    return Timestamp(microseconds: UInt64(wraps) << 32 | UInt64(count))
  }

  /// Sleeps for up to `microseconds`, or until another interrupt. With interrupts disabled; they are taken when they
  /// are enabled again.
  static func sleep(for microseconds: UInt32) {
    let due = count() &+ microseconds
    TIMER1.cc(alarm).value = due
    TIMER1.eventsCOMPARE(alarm).forget()
    TIMER1.intenset.value = Timer.compareInterrupt(alarm)
    // Nobody rings for a moment that has passed while the alarm was set.
    if Int32(bitPattern: due &- count()) > 0 { wait_for_interrupt() }
  }

  /// Has the link layer looked after in so many microseconds, or at once if there are none.
  static func callLinkLayer(in microseconds: Int32) {
    let due = count() &+ UInt32(bitPattern: microseconds)
    TIMER1.eventsCOMPARE(linkAlarm).forget()
    TIMER1.cc(linkAlarm).value = due
    TIMER1.intenset.value = Timer.compareInterrupt(linkAlarm)
    if Int32(bitPattern: due &- count()) <= 0 { BluetoothController.call() }
  }

  fileprivate static func rang() {
    TIMER1.eventsCOMPARE(alarm).forget()
    if TIMER1.eventsCOMPARE(linkAlarm).take() { BluetoothController.call() }
  }
}

/// TIMER1: the alarm rang.
@c(IRQ9_Handler)
public func alarmRang() { Clock.rang() }
