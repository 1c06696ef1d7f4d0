import BoardSupport
import CBoard
import LinkProtocol
import Synchronization

/// A CMSDK APB timer (Arm DDI 0479, §4.4): counts 25 MHz down to 0, then from the reload value on.
private struct Timer {
  let base: UInt32

  private var control: UInt32 { base }
  private var value: UInt32 { base + 0x4 }
  private var reload: UInt32 { base + 0x8 }
  private var interrupt: UInt32 { base + 0xc }

  private static var enableWithInterrupt: UInt32 { 1 | 8 }

  var count: UInt32 { register_read(value) }
  var isInterruptPending: Bool { register_read(interrupt) & 1 != 0 }

  func acknowledge() { register_write(interrupt, 1) }

  func startRepeating(ticks: UInt32) {
    register_write(reload, ticks - 1)
    register_write(value, ticks - 1)
    register_write(control, Self.enableWithInterrupt)
  }

  func startOnce(ticks: UInt32) {
    register_write(control, 0)
    register_write(interrupt, 1)
    register_write(reload, 0)
    register_write(value, ticks)
    register_write(control, Self.enableWithInterrupt)
  }

  func stop() {
    register_write(control, 0)
    register_write(interrupt, 1)
  }
}

/// Microseconds since the clock was started, by TIMER0 (interrupt 8), which also wakes the processor every
/// second. ``InstructionCounter`` uses the same timer: an image has one or the other.
enum Clock {
  private static var timer: Timer { Timer(base: 0x4000_0000) }
  private static var interruptNumber: UInt32 { 8 }
  static var ticksPerMicrosecond: UInt32 { 25 }
  private static var ticksPerSecond: UInt32 { 25_000_000 }
  private static let seconds = Atomic<UInt32>(0)

  static func start() {
    timer.startRepeating(ticks: ticksPerSecond)
    InterruptController.enable(interruptNumber)
  }

  fileprivate static func secondPassed() {
    timer.acknowledge()
    seconds.store(seconds.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }

  static var now: Timestamp {
    interrupts_disable()
    defer { interrupts_enable() }
    return nowWithoutInterrupts
  }

  /// With interrupts disabled.
  static var nowWithoutInterrupts: Timestamp {
    var count = timer.count
    var whole = seconds.load(ordering: .relaxed)
    if timer.isInterruptPending {
      // It wrapped and the interrupt was not taken yet; the count may be from before or after.
      count = timer.count
      whole &+= 1
    }
    let part = (ticksPerSecond - 1 - count) / ticksPerMicrosecond
    return Timestamp(microseconds: UInt64(whole) * 1_000_000 + UInt64(part))
  }
}

/// Wakes the processor at a moment, by TIMER1 (interrupt 9).
enum Alarm {
  fileprivate static var timer: Timer { Timer(base: 0x4000_1000) }
  private static var interruptNumber: UInt32 { 9 }

  static func enable() { InterruptController.enable(interruptNumber) }

  /// Rings once after `microseconds`, at most a second.
  static func set(in microseconds: UInt32) {
    timer.startOnce(ticks: microseconds * Clock.ticksPerMicrosecond)
  }

  static func cancel() { timer.stop() }
}

/// TIMER0: a second has passed.
@c(IRQ8_Handler)
public func secondPassed() { Clock.secondPassed() }

/// TIMER1: the alarm rang.
@c(IRQ9_Handler)
public func alarmRang() { Alarm.timer.stop() }
