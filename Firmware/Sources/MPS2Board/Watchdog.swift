import CBoard

/// The machine's watchdog (CMSDK APB watchdog, Arm DDI 0479 §4.6; 25 MHz). When it is not fed it raises the
/// non-maskable interrupt, whose handler reports and resets; should that fail, it resets the machine itself.
enum Watchdog {
  private static var load: UInt32 { 0x4000_8000 }
  private static var control: UInt32 { 0x4000_8008 }
  private static var interruptClear: UInt32 { 0x4000_800c }
  private static var lock: UInt32 { 0x4000_8c00 }
  private static var key: UInt32 { 0x1acc_e551 }
  private static var interruptAndReset: UInt32 { 3 }
  /// Longer than any pause of the host that one would call normal, and than any sleep.
  private static var patience: UInt32 { 5 * 25_000_000 }

  /// Starts it. It stays on until the next reset.
  static func start() {
    register_write(lock, key)
    register_write(load, patience)
    register_write(control, interruptAndReset)
  }

  /// Five seconds more.
  static func feed() { register_write(interruptClear, 1) }
}
