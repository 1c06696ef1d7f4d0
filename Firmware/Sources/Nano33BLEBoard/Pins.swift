import CBoard

/// The board's pins that are in use (Arduino Nano 33 BLE schematic): TX is P1.03, RX P1.10, the yellow LED P0.13, the
/// red one P0.24, which lights when low.
enum Pins {
  private static var port0: Peripheral { Peripheral(base: 0x5000_0000) }
  private static var port1: Peripheral { Peripheral(base: 0x5000_0300) }

  private enum Register {
    static var setHigh: UInt32 { 0x508 }
    static var setLow: UInt32 { 0x50c }
    static var makeOutput: UInt32 { 0x518 }
    static func configuration(of pin: UInt32) -> UInt32 { 0x700 + 4 * pin }
  }
  private static var inputWithPullUp: UInt32 { 3 << 2 }

  /// As a peripheral's pin selection: port in bit 5.
  static var transmit: UInt32 { 1 << 5 | 3 }
  static var receive: UInt32 { 1 << 5 | 10 }

  private static var yellow: UInt32 { 1 << 13 }
  private static var red: UInt32 { 1 << 24 }

  static func configureSerial() {
    // Idle before the port drives it, and idle if nothing is connected.
    port1.write(Register.setHigh, 1 << 3)
    port1.write(Register.makeOutput, 1 << 3)
    port1.write(Register.configuration(of: 10), inputWithPullUp)
  }

  static func configureLights() {
    port0.write(Register.setHigh, red)
    port0.write(Register.makeOutput, yellow | red)
  }

  static func lightYellow(_ isLit: Bool) {
    port0.write(isLit ? Register.setHigh : Register.setLow, yellow)
  }

  static func lightRed() {
    port0.write(Register.makeOutput, red)
    port0.write(Register.setLow, red)
  }
}
