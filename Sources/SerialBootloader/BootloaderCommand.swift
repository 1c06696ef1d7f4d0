/// What the bootloader of an Arduino Nano 33 BLE understands: a subset of Atmel's SAM-BA monitor (application note 3000),
/// extended by Arduino with a buffer in RAM.
///
/// Numbers are eight hexadecimal digits each, because they are looked for at fixed positions; a command ends with `#`.
/// Address 0 is the beginning of the application. What is not understood is swallowed without an answer.
enum BootloaderCommand: Equatable {
  /// Is somebody there?
  case hello
  /// Which bootloader is it, and what can it do?
  case version
  /// Which chip is it?
  case device
  /// What follows is data for the buffer, so many bytes. Not answered.
  case load(length: Int)
  /// The next write takes from the beginning of the buffer.
  case source
  /// Erase a page and write it from the buffer. Answered alike whether it succeeded or not.
  case write(address: Int, length: Int)
  /// The CRC-16 of what is in flash, at most 4,096 bytes.
  case checksum(address: Int, length: Int)
  /// Reset. Not answered.
  case reset

  /// As it goes over the wire.
  var bytes: [UInt8] {
    switch self {
    case .hello: Array("N#".utf8)
    case .version: Array("V#".utf8)
    case .device: Array("I#".utf8)
    case .load(let length): Self.line("S", 0, length)
    case .source: Array("Y00000000,0#".utf8)
    case .write(let address, let length): Self.line("Y", address, length)
    case .checksum(let address, let length): Self.line("Z", address, length)
    case .reset: Array("K#".utf8)
    }
  }

  private static func line(_ letter: Character, _ first: Int, _ second: Int) -> [UInt8] {
    Array("\(letter)\(digits(first)),\(digits(second))#".utf8)
  }

  private static func digits(_ number: Int) -> String {
    let digits = String(UInt32(truncatingIfNeeded: number), radix: 16, uppercase: true)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}

/// CRC-16/XMODEM: polynomial x¹⁶+x¹²+x⁵+1, initial value 0, nothing reflected (CCITT V.41).
func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
  var crc: UInt16 = 0
  for byte in bytes {
    crc ^= UInt16(byte) << 8
    for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
  }
  return crc
}
