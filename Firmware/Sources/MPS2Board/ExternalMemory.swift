/// The MPS2-AN386's 16 MiB of PSRAM at 0x21000000, which the nRF52840 has no counterpart of. The firmware's own
/// data never lies there: it stands for what on a board is flash, and for what its sensors gave.
enum ExternalMemory {
  /// 512 KB that stand for flash.
  static var flash: UInt { 0x2100_0000 }
  /// 128 KB: how often each of its words was written.
  static var flashWear: UInt { 0x2108_0000 }
  /// The command line.
  static var commandLine: UInt { 0x210a_0000 }
  static var commandLineLength: Int { 0x1000 }
  /// A word that nothing reads; Firmware/CycleModel waits for writes to it.
  static var cycleMark: UInt32 { 0x2106_0004 }
  /// The file with the examples, and behind it the order of the examples of each set.
  static var examples: UInt { 0x2110_0000 }
  static var examplesLength: Int { 0xf0_0000 }
}
