/// The board that an image is for: what its bootloader and its memory allow.
public struct FirmwareTarget: Sendable, Hashable {
  /// The number that stands for it in an image's header.
  public var board: UInt16
  /// What people call it.
  public var name: String
  /// Where its programs begin.
  public var loadAddress: UInt32
  /// The longest FedBridge image in bytes: behind it the board keeps its examples and its storage.
  public var longestImage: Int
  /// The longest program of any kind in bytes: to the end of flash.
  public var longestProgram: Int
  /// Its memory, in which a program's first stack pointer lies, or right behind it.
  public var memory: ClosedRange<UInt32>

  /// The Arduino Nano 33 BLE and BLE Sense: nRF52840 with 1 MiB of flash, the first 64 KiB of which are the bootloader's,
  /// and 256 KiB of RAM.
  public static let nano33BLE = FirmwareTarget(
    board: 1, name: "Nano 33 BLE", loadAddress: 0x1_0000, longestImage: 0x4_0000, longestProgram: 0xf_0000,
    memory: 0x2000_0000...0x2004_0000)

  /// What the number of a board in a header means, in words.
  static func name(of board: UInt16) -> String {
    switch board {
    case 1: nano33BLE.name
    case 2: "board emulated by QEMU"
    default: "board that this version does not know (number \(board))"
    }
  }
}
