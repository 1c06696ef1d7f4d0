/// The chip's watchdog: resets it when the main loop has not gone round for five seconds. It goes on counting through
/// any other reset.
enum Watchdog {
  private static var watchdog: Peripheral { Peripheral(base: 0x4001_0000) }
  private static var power: Peripheral { Peripheral(base: 0x4000_0000) }

  private enum Register {
    static var start: UInt32 { 0x000 }
    static var period: UInt32 { 0x504 }
    static var channels: UInt32 { 0x508 }
    static var mode: UInt32 { 0x50c }
    static var feed: UInt32 { 0x600 }
    static var resetReason: UInt32 { 0x400 }
  }
  private static var word: UInt32 { 0x6e52_4635 }
  private static var period: UInt32 { 5 * 32768 - 1 }
  private static var runsInSleepButNotInDebugger: UInt32 { 1 }
  private static var dog: UInt32 { 1 << 1 }

  static func start() {
    watchdog.write(Register.period, period)
    watchdog.write(Register.channels, 1)
    watchdog.write(Register.mode, runsInSleepButNotInDebugger)
    watchdog.trigger(Register.start)
  }

  static func feed() { watchdog.write(Register.feed, word) }

  /// Whether it caused the last reset; asked once.
  static func takeHasReset() -> Bool {
    guard power.read(Register.resetReason) & dog != 0 else { return false }
    power.write(Register.resetReason, dog)
    return true
  }
}
