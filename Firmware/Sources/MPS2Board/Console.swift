public import BoardSupport
import CBoard

/// Text over UART0 of the MPS2-AN386, for images that have no other use of it. Waits for each byte to go out.
public struct Console: TextSink {
  private static var uart: UART { .serial }

  /// Switches the transmitter on.
  public init() {
    Self.uart.enableTransmitter()
  }

  /// Writes one byte.
  public func write(_ byte: UInt8) {
    while !Self.uart.isTransmitterFree {}
    Self.uart.put(byte)
  }
}

/// What the standard library writes the reason of a failed check through, in debug builds.
@c(putchar)
public func writeCharacter(_ character: CInt) -> CInt {
  Console().write(UInt8(truncatingIfNeeded: character))
  return character
}
