/// Somewhere that text goes, byte by byte. Numbers are written without `String`, whose interpolation alone
/// costs 25 KB of flash.
public protocol TextSink: ~Copyable {
  /// Writes one byte.
  mutating func write(_ byte: UInt8)
}

extension TextSink where Self: ~Copyable {
  /// Writes a literal.
  public mutating func write(_ text: StaticString) {
    text.withUTF8Buffer { bytes in
      for byte in bytes { write(byte) }
    }
  }

  /// Writes eight hexadecimal digits.
  public mutating func write(hex value: UInt32) {
    var shift: UInt32 = 32
    while shift > 0 {
      shift -= 4
      let digit = UInt8(truncatingIfNeeded: (value >> shift) & 15)
      write(digit < 10 ? 0x30 + digit : 0x61 - 10 + digit)
    }
  }

  /// Writes a number in decimal.
  public mutating func write(decimal value: UInt32) {
    if value >= 10 { write(decimal: value / 10) }
    write(0x30 + UInt8(truncatingIfNeeded: value % 10))
  }
}
