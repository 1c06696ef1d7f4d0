@testable import SerialBootloader

/// The bootloader as it was read in its code, vices included. `Tests/Emulation/bootloader` has the same in Python, which
/// programs are tested with; this one lives in virtual time.
struct ModelBootloader {
  /// As much of it as images may have.
  static let applicationLength = 0x5_0000

  /// From the beginning of the application on.
  var flash = [UInt8](repeating: 0xff, count: applicationLength)
  /// Addresses of pages that cannot be erased any more.
  var stuck: Set<Int> = []
  /// What no uploader may do.
  var violations: [String] = []
  var wasReset = false
  var versionText = "Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]"
  var deviceText = "nRF52840-QIAA"
  /// Whether it says nothing any more.
  var isSilent = false
  private var ram = [UInt8](repeating: 0, count: 8192)
  private var source = 0
  private var line: [UInt8] = []
  private var loadAt = 0
  private var loadLeft = 0

  /// Takes a byte; says what it answers, and how long that takes in µs.
  mutating func take(_ byte: UInt8) -> (reply: [UInt8], after: UInt64) {
    guard !wasReset else { return ([], 0) }
    if loadLeft > 0 {
      if loadAt < ram.count { ram[loadAt] = byte }
      loadAt += 1
      loadLeft -= 1
      return ([], 0)
    }
    line.append(byte)
    guard byte == UInt8(ascii: "#") else { return ([], 0) }
    let command = line
    line = []
    let (text, after) = obey(command)
    return (isSilent ? [] : text, after)
  }

  private static func number(_ command: [UInt8], at start: Int) -> Int {
    let digits = command.dropFirst(start).prefix { Character(Unicode.Scalar($0)).isHexDigit }
    return Int(UInt32(String(decoding: digits.suffix(8), as: UTF8.self), radix: 16) ?? 0)
  }

  private mutating func obey(_ command: [UInt8]) -> ([UInt8], UInt64) {
    let (first, second) = (Self.number(command, at: 1), Self.number(command, at: 10))
    switch command[0] {
    case UInt8(ascii: "N"): return (Array("\n\r".utf8), 0)
    case UInt8(ascii: "V"): return (Array("\(versionText)\n\r\0n".utf8), 0)
    case UInt8(ascii: "I"): return (Array("\(deviceText)\n\r\0X".utf8), 0)
    case UInt8(ascii: "X"): return (Array("X\n\r".utf8), 0)
    case UInt8(ascii: "S"):
      if first + second > ram.count { violations.append("S beyond the buffer") }
      (loadAt, loadLeft) = (first, second)
      return ([], 0)
    case UInt8(ascii: "Y"):
      if second == 0 { source = first } else { program(first, second) }
      return (Array("Y\n\r".utf8), second == 0 ? 0 : 127_000)
    case UInt8(ascii: "Z"):
      if second > 4096 || first + second > flash.count { violations.append("Z beyond the buffer") }
      let content = flash[min(first, flash.count)..<min(first + min(second, 4096), flash.count)]
      let digits = String(UInt32(crc16(content)), radix: 16, uppercase: true)
      return (Array("Z\(String(repeating: "0", count: 8 - digits.count))\(digits)#\n\r".utf8), 3000)
    case UInt8(ascii: "K"):
      wasReset = true
      return ([], 0)
    default: return ([], 0)
    }
  }

  private mutating func program(_ at: Int, _ size: Int) {
    guard at + size <= flash.count, source + size <= ram.count else {
      violations.append("Y beyond flash or buffer")
      return
    }
    if at % 4096 == 0, size % 4096 == 0 {
      if !stuck.contains(at) {
        for index in at..<at + size { flash[index] = 0xff }
      }
    } else {
      violations.append("Y not whole pages")
    }
    for index in 0..<size { flash[at + index] &= ram[source + index] }
  }

  /// Whether it would start what is there, rather than stay.
  var startsApplication: Bool {
    flash[0..<4] != [0xff, 0xff, 0xff, 0xff] && flash[4..<8] != [0xff, 0xff, 0xff, 0xff]
  }
}
