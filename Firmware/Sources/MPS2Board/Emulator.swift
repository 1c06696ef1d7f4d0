import CBoard

/// What an image can ask of QEMU by semihosting (Arm's "Semihosting for AArch32 and AArch64"); it needs
/// `-semihosting-config enable=on,target=native`.
public enum Emulator {
  private static var sysGetCommandLine: UInt32 { 0x15 }
  private static var sysExitExtended: UInt32 { 0x20 }
  private static var applicationExit: UInt32 { 0x20026 }

  /// Ends QEMU with this exit status.
  public static func exit(_ status: UInt32) -> Never {
    var block: (UInt32, UInt32) = (applicationExit, status)
    withUnsafeMutablePointer(to: &block) { pointer in
      _ = semihosting_call(sysExitExtended, pointer)
    }
    while true { wait_for_interrupt() }
  }

  /// The last byte of the command line (QEMU's `arg=` options joined by spaces), nil if there is none.
  public static var lastArgumentByte: UInt8? {
    withUnsafeTemporaryAllocation(byteCount: 128, alignment: 4) { text in
      guard let start = text.baseAddress else { return nil }
      var block: (UnsafeMutableRawPointer, UInt32) = (start, UInt32(text.count))
      let result = withUnsafeMutablePointer(to: &block) { pointer in
        semihosting_call(sysGetCommandLine, pointer)
      }
      guard result == 0, block.1 > 0, block.1 <= UInt32(text.count) else { return nil }
      // The length counts no terminating zero in Arm's text, and does in some emulators.
      var length = Int(block.1)
      if text[length - 1] == 0 { length -= 1 }
      return length > 0 ? text[length - 1] : nil
    }
  }
}
