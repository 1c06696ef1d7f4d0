import Testing

@testable import SerialBootloader

@Suite struct WireTests {
  @Test func `The checksum is CRC-16 XMODEM`() {
    #expect(crc16(Array("123456789".utf8)) == 0x31c3)
    #expect(crc16([]) == 0)
    #expect(crc16([UInt8](repeating: 0xff, count: 4096)) == 0xe03e)
  }

  @Test(
    arguments: [
      (.hello, "N#"), (.version, "V#"), (.device, "I#"), (.load(length: 4096), "S00000000,00001000#"),
      (.source, "Y00000000,0#"), (.write(address: 0x3f000, length: 4096), "Y0003F000,00001000#"),
      (.checksum(address: 0xef000, length: 4096), "Z000EF000,00001000#"), (.reset, "K#"),
    ] as [(BootloaderCommand, String)])
  func `Numbers have eight digits`(_ command: BootloaderCommand, _ text: String) {
    #expect(command.bytes == Array(text.utf8))
  }

  private func scan(_ text: String, for expected: ReplyScanner.Expected, width: Int = 1) -> ReplyScanner
    .Reply?
  {
    var scanner = ReplyScanner()
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: width) {
      scanner.append(bytes[start..<min(start + width, bytes.count)])
      if let reply = scanner.take(expected) { return reply }
    }
    return nil
  }

  @Test(arguments: [1, 2, 3, 64])
  func `Replies are found whatever stands before them`(_ width: Int) {
    #expect(scan("Z00001A2B#\n\r", for: .checksum, width: width) == .checksum(0x1a2b))
    #expect(scan("\0X\n\rZ00001A2BZ00001A2C#\n\r", for: .checksum, width: width) == .checksum(0x1a2c))
    #expect(scan("\0nnRF52840-QIAA\n\r", for: .text, width: width) == .text("nnRF52840-QIAA"))
    #expect(scan("\0XY\n\r", for: .acknowledgement, width: width) == .done)
    #expect(scan("hello\n\rY\n\r", for: .acknowledgement, width: width) == .done)
    #expect(scan("\n\r", for: .emptyLine, width: width) == .done)
  }

  @Test(arguments: [
    "Z0000A2B#\n\r", "Z00001A2B\n\r", "Z+0001A2B#\n\r", "Z00001G2B#\n\r", "\n\r", "Y\n\r", "Z00001A2B#\n",
  ])
  func `What is no checksum is none`(_ text: String) {
    #expect(scan(text, for: .checksum) == nil)
  }

  @Test func `What is heard takes no more memory than a reply`() {
    var scanner = ReplyScanner()
    for _ in 0..<100 { scanner.append([UInt8](repeating: 0x41, count: 10_000)) }
    #expect(scanner.take(.text) == nil)
    scanner.append(Array("\n\r".utf8))
    guard case .text(let text)? = scanner.take(.text) else {
      Issue.record("no line")
      return
    }
    #expect(text.utf8.count <= 256)
  }
}
