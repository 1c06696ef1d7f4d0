import CBoard

/// Text over UART0 of the MPS2-AN386 (a CMSDK APB UART: Arm DDI 0479), which QEMU connects to `-serial`.
///
/// Waits for each byte to go out: for reports, not for traffic. Numbers are written without `String`,
/// whose interpolation alone costs 25 KB of flash.
public struct Console {
  private enum UART {
    static var data: UInt32 { 0x4000_4000 }
    static var state: UInt32 { 0x4000_4004 }
    static var control: UInt32 { 0x4000_4008 }
    static var divisor: UInt32 { 0x4000_4010 }

    static var transmitterFull: UInt32 { 1 }
    static var transmitterEnable: UInt32 { 1 }
    // The least value at which the UART sends; QEMU keeps no time by it.
    static var fastestDivisor: UInt32 { 16 }
  }

  /// Switches the transmitter on.
  public init() {
    register_write(UART.divisor, UART.fastestDivisor)
    register_write(UART.control, UART.transmitterEnable)
  }

  /// Writes one byte.
  public func write(_ byte: UInt8) {
    while register_read(UART.state) & UART.transmitterFull != 0 {}
    register_write(UART.data, UInt32(byte))
  }

  /// Writes a literal.
  public func write(_ text: StaticString) {
    text.withUTF8Buffer { bytes in
      for byte in bytes { write(byte) }
    }
  }

  /// Writes eight hexadecimal digits.
  public func write(hex value: UInt32) {
    var shift: UInt32 = 32
    while shift > 0 {
      shift -= 4
      let digit = UInt8(truncatingIfNeeded: (value >> shift) & 15)
      write(digit < 10 ? 0x30 + digit : 0x61 - 10 + digit)
    }
  }

  /// Writes a number in decimal.
  public func write(decimal value: UInt32) {
    if value >= 10 { write(decimal: value / 10) }
    write(0x30 + UInt8(truncatingIfNeeded: value % 10))
  }
}

/// What the standard library writes the reason of a failed check through, in debug builds.
@c(putchar)
public func writeCharacter(_ character: CInt) -> CInt {
  Console().write(UInt8(truncatingIfNeeded: character))
  return character
}
