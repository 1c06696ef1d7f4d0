public import BoardSupport
import CBoard

/// What an image can ask of QEMU by semihosting (Arm's "Semihosting for AArch32 and AArch64"); it needs
/// `-semihosting-config enable=on,target=native`.
public enum Emulator {
  private static var sysGetCommandLine: UInt32 { 0x15 }
  private static var sysExitExtended: UInt32 { 0x20 }
  private static var sysClose: UInt32 { 0x02 }
  private static var applicationExit: UInt32 { 0x20026 }

  /// Ends QEMU with this exit status.
  public static func exit(_ status: UInt32) -> Never {
    var block: (UInt32, UInt32) = (applicationExit, status)
    withUnsafeMutablePointer(to: &block) { pointer in
      _ = semihosting_call(sysExitExtended, pointer)
    }
    while true { wait_for_interrupt() }
  }

  /// Starts the image anew. Files that it had open on the host are closed: QEMU would keep them.
  public static func restart() -> Never {
    var handle: UInt32 = 0
    while handle < 16 {
      withUnsafeMutablePointer(to: &handle) { pointer in
        _ = semihosting_call(sysClose, pointer)
      }
      handle += 1
    }
    system_reset()
  }

  /// Copies the command line (QEMU's `arg=` options joined by spaces) to `room`.
  ///
  /// - Returns: its length; 0 if there is none or it does not fit.
  public static func copyCommandLine(to room: UnsafeMutableRawBufferPointer) -> Int {
    guard let start = room.baseAddress else { return 0 }
    var block: (UnsafeMutableRawPointer, UInt32) = (start, UInt32(room.count))
    let result = withUnsafeMutablePointer(to: &block) { pointer in
      semihosting_call(sysGetCommandLine, pointer)
    }
    guard result == 0, block.1 > 0, block.1 <= UInt32(room.count) else { return 0 }
    // The length counts no terminating zero in Arm's text, and does in some emulators.
    var length = Int(block.1)
    if room[length - 1] == 0 { length -= 1 }
    return length
  }

  /// The last byte of the command line, nil if there is none.
  public static var lastArgumentByte: UInt8? {
    withUnsafeTemporaryAllocation(byteCount: 128, alignment: 4) { text in
      let length = copyCommandLine(to: text)
      return length > 0 ? text[length - 1] : nil
    }
  }
}

/// Text to QEMU's own standard error, whatever the UARTs are used for.
public struct EmulatorConsole: TextSink {
  private static var sysWriteCharacter: UInt32 { 0x03 }

  /// Needs no setting up.
  public init() {}

  /// Writes one byte.
  public func write(_ byte: UInt8) {
    var byte = byte
    withUnsafeMutablePointer(to: &byte) { pointer in
      _ = semihosting_call(Self.sysWriteCharacter, pointer)
    }
  }
}
