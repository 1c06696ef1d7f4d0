import BoardSupport
import CBoard

/// The way into Arduino's bootloader.
enum Bootloader {
  /// In GPREGRET: stay in the bootloader.
  private static var stayMark: UInt32 { 0xb0 }
  /// In memory: the button was pressed twice, which means the same.
  private static var pressMark: UInt32 { 0x0773_8135 }
  private static var pressMarkAddress: UInt32 { 0x2000_7ffc }

  /// Leaves for the bootloader, for good.
  ///
  /// A reset by software keeps GPREGRET, but lets the watchdog go on, which knows nothing of a bootloader and would
  /// throw it out in the middle of an upload. So it is the watchdog that resets, within two seconds, which ends its
  /// own run; GPREGRET does not survive that, memory does. Without a watchdog the mark in GPREGRET does it at once.
  static func enter() -> Never {
    interrupts_disable()
    // One that is pending would not let the processor sleep.
    InterruptController.holdAll()
    USBCarrier.leave()
    RadioDriver.silence()
    POWER.gpregret.value = stayMark
    register_write(pressMarkAddress, pressMark)
    data_barrier()
    guard Watchdog.isRunning else { system_reset() }
    while true { wait_for_interrupt() }
  }
}
