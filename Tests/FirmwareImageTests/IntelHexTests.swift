import Testing

@testable import FirmwareImage

@Suite struct IntelHexTests {
  @Test(arguments: [7, 16, 32, 255], [false, true])
  func `A HEX file is the same image as the binary`(_ width: Int, _ usesSegments: Bool) throws {
    // Over the end of a segment of 64 KiB.
    let factory = ImageFactory(length: 0x1_0400)
    let hex = try FirmwareImage(file: factory.hex(width: width, usesSegments: usesSegments), for: .nano33BLE)
    #expect(hex == (try FirmwareImage(file: factory.bytes, for: .nano33BLE)))
  }

  @Test func `What no record mentions is erased flash, and records come in any order`() throws {
    let gaps = ":020000040001F9\n:0100040002F9\n:0100000001FE\n:00000001FF"
    let image = try IntelHex(text: Array(gaps.utf8), limit: 0x10_0000)
    #expect(image.start == 0x1_0000 && image.bytes == [1, 0xff, 0xff, 0xff, 2])
  }

  private func hexFault(_ text: String) -> FirmwareImageError? {
    do throws(FirmwareImageError) {
      _ = try IntelHex(text: Array(text.utf8), limit: 0x10_0000)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    arguments: [
      (":0100000001FF\n:00000001FF\n", 1),  // checksum
      (":0100000001FE\n", 2),  // no end
      (":00000001FF\n:00000001FF\n", 2),  // something behind it
      (":0100000001FE\n:0100000002FD\n:00000001FF\n", 2),  // another byte
      (":0200000001FD\n", 1),  // fewer bytes than it says
      (":01000000010FE\n", 1),  // odd
      (":01000000G1FE\n", 1),  // no digit
      ("0100000001FE\n", 1),  // no colon
      (":0000000600FA\n", 1),  // more bytes than it says
      (":00000006FA\n", 1),  // no such kind
      (":0100000401FA\n", 1),  // too short for its kind
      (":\n", 1),
    ])
  func `A damaged record is named by its line`(_ text: String, _ line: Int) {
    guard case .hexRecord(line, _)? = hexFault(text) else {
      Issue.record("\(text) gave \(String(describing: hexFault(text)))")
      return
    }
  }

  @Test func `Bytes outside of flash are refused`() {
    #expect(hexFault(":020000040010EA\n:0100000001FE\n:00000001FF\n") == .hexOutside(address: 0x10_0000))
    #expect(hexFault(":02000004FFFFFC\n:01FFFF000100\n:00000001FF\n") == .hexOutside(address: 0xffff_ffff))
    #expect(hexFault(":00000001FF\n") == .empty)
  }

  @Test func `An image that was linked elsewhere is refused by its addresses`() {
    let factory = ImageFactory(loadAddress: 0x2_0000)
    #expect(fault(factory.hex()) == .otherAddress(image: 0x2_0000, board: 0x1_0000))
  }
}
