import CBoard

/// The processor's interrupt controller (Armv7-M Architecture Reference Manual B3.4).
public enum InterruptController {
  private static var enableSet: UInt32 { 0xe000_e100 }
  private static var clearPending: UInt32 { 0xe000_e280 }

  /// Lets interrupt `number`, 0…31, through; one that was pending before is forgotten.
  public static func enable(_ number: UInt32) {
    register_write(clearPending, 1 << number)
    register_write(enableSet, 1 << number)
  }
}
