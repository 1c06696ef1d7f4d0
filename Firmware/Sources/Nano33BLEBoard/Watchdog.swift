/// The chip's watchdog: resets it when the main loop has not gone round for two seconds; the loop sleeps for one at
/// most. It goes on counting through a reset by software.
enum Watchdog {
  private static var period: UInt32 { 2 * 32768 - 1 }

  static func start() {
    if !isRunning {
      WDT.crv.value = period
      WDT.rren.value = 1
      WDT.config.value = WDT.sleepRun
      WDT.tasksSTART.trigger()
    }
    feed()
  }

  static func feed() { WDT.rr(0).value = WDT.reload }

  static var isRunning: Bool { WDT.runstatus.value & 1 != 0 }

  /// Whether it caused the last reset; asked once. Where it is one of several causes since the last start, it only
  /// opened the way into the bootloader, see ``Bootloader``.
  static func takeHasReset() -> Bool {
    let reasons = POWER.resetreas.value
    POWER.resetreas.value = reasons
    return reasons == POWER.Reason.dog
  }
}
