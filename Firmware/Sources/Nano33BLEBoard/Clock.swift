import BoardSupport
import CBoard
import LinkProtocol

/// Time by TIMER1, which counts microseconds in 32 bits, and an alarm by its interrupt 9.
struct Clock {
  private static var timer: Peripheral { Peripheral(base: 0x4000_9000) }
  private static var interruptNumber: UInt32 { 9 }

  private enum Register {
    static var start: UInt32 { 0x000 }
    static var captureNow: UInt32 { 0x040 }
    static var alarmRang: UInt32 { 0x144 }
    static var enableInterrupt: UInt32 { 0x304 }
    static var bitMode: UInt32 { 0x508 }
    static var prescaler: UInt32 { 0x510 }
    static var now: UInt32 { 0x540 }
    static var alarm: UInt32 { 0x544 }
  }
  private static var alarmInterrupt: UInt32 { 1 << 17 }
  private static var thirtyTwoBits: UInt32 { 3 }
  /// 16 MHz divided by 2⁴.
  private static var toMicroseconds: UInt32 { 4 }

  private var last: UInt32 = 0
  private var wraps: UInt32 = 0

  init() {
    // The crystal: the oscillator that runs from reset on may be off by more than a serial port bears.
    Peripheral(base: 0x4000_0000).trigger(0x000)
    Self.timer.write(Register.bitMode, Self.thirtyTwoBits)
    Self.timer.write(Register.prescaler, Self.toMicroseconds)
    Self.timer.trigger(Register.start)
    InterruptController.enable(Self.interruptNumber)
  }

  private static func count() -> UInt32 {
    timer.trigger(Register.captureNow)
    return timer.read(Register.now)
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
    timer.write(Register.alarm, due)
    timer.forget(Register.alarmRang)
    timer.write(Register.enableInterrupt, alarmInterrupt)
    // Nobody rings for a moment that has passed while the alarm was set.
    if Int32(bitPattern: due &- count()) > 0 { wait_for_interrupt() }
  }

  fileprivate static func rang() { timer.forget(Register.alarmRang) }
}

/// TIMER1: the alarm rang.
@c(IRQ9_Handler)
public func alarmRang() { Clock.rang() }
