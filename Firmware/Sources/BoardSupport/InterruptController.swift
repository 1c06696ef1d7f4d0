import CBoard

/// The processor's interrupt controller (Armv7-M Architecture Reference Manual B3.4). Interrupts are numbered from 0.
public enum InterruptController {
  private static var enableSet: UInt32 { 0xe000_e100 }
  private static var enableClear: UInt32 { 0xe000_e180 }
  private static var pendingSet: UInt32 { 0xe000_e200 }
  private static var pendingClear: UInt32 { 0xe000_e280 }
  private static var priorities: UInt32 { 0xe000_e400 }

  private static func write(_ bank: UInt32, _ number: UInt32) {
    register_write(bank + 4 * (number / 32), 1 << (number % 32))
  }

  /// Lets interrupt `number` through; one that was pending before is forgotten.
  public static func enable(_ number: UInt32) {
    write(pendingClear, number)
    write(enableSet, number)
  }

  /// The same, with an urgency: interrupts of smaller numbers interrupt those of greater ones. 0…7, as processors have
  /// three bits for it, or more.
  public static func enable(_ number: UInt32, urgency: UInt32) {
    let word = priorities + number / 4 * 4
    let shift = 8 * (number % 4)
    register_write(word, register_read(word) & ~(0xff << shift) | urgency << (5 + shift))
    enable(number)
  }

  /// Keeps interrupt `number` away; it stays pending.
  public static func hold(_ number: UInt32) {
    write(enableClear, number)
    instruction_barrier()
  }

  /// Keeps all interrupts away.
  public static func holdAll() {
    for bank in UInt32(0)..<2 { register_write(enableClear + 4 * bank, .max) }
    data_barrier()
  }

  /// Lets interrupt `number` through again, one that is pending included.
  public static func release(_ number: UInt32) {
    // What was done meanwhile is in memory before the interrupt looks at it.
    data_barrier()
    write(enableSet, number)
  }

  /// Has interrupt `number` taken as if its peripheral had asked for it.
  public static func pend(_ number: UInt32) { write(pendingSet, number) }
}
