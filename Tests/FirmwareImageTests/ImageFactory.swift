@testable import FirmwareImage

/// Makes images and what is almost one.
struct ImageFactory {
  var version = "1.2.3"
  var form: UInt16 = 1
  var board: UInt16 = 1
  var loadAddress: UInt32 = 0x1_0000
  var length = 1024
  /// The length that the header says, if not the true one.
  var claimedLength: Int?
  var stack: UInt32 = 0x2000_4000
  /// The reset vector, if not one into the image.
  var reset: UInt32?
  var hasHeader = true

  /// The image's bytes.
  var bytes: [UInt8] {
    var bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    func put(_ number: UInt32, at place: Int, bytes count: Int = 4) {
      for index in 0..<count where place + index < length {
        bytes[place + index] = UInt8(truncatingIfNeeded: number >> UInt32(8 * index))
      }
    }
    put(stack, at: 0)
    put(reset ?? loadAddress + 0x201, at: 4)
    guard hasHeader, length >= 0x120 else { return bytes }
    bytes.replaceSubrange(0x100..<0x104, with: Array("FBIM".utf8))
    put(UInt32(form), at: 0x104, bytes: 2)
    put(UInt32(board), at: 0x106, bytes: 2)
    put(loadAddress, at: 0x108)
    put(UInt32(claimedLength ?? length), at: 0x10c)
    let text = Array(version.utf8.prefix(16))
    bytes.replaceSubrange(0x110..<0x120, with: text + [UInt8](repeating: 0, count: 16 - text.count))
    return bytes
  }

  /// The image as Intel HEX, in records of `width` bytes, addresses by the linker's habit: segments below 1 MiB.
  func hex(width: Int = 16, usesSegments: Bool = false) -> [UInt8] {
    let image = bytes
    var text = ""
    func record(_ address: Int, _ kind: UInt8, _ data: [UInt8]) {
      let body = [UInt8(data.count), UInt8(address >> 8 & 0xff), UInt8(address & 0xff), kind] + data
      let sum = 0 &- body.reduce(0, &+)
      text += ":" + (body + [sum]).map(Self.digits).joined() + "\r\n"
    }
    var page = -1
    var start = 0
    while start < length {
      let address = Int(loadAddress) + start
      if address >> 16 != page {
        page = address >> 16
        let base = usesSegments ? page << 12 : page
        record(0, usesSegments ? 2 : 4, [UInt8(base >> 8 & 0xff), UInt8(base & 0xff)])
      }
      // No record goes beyond the end of a segment.
      let end = min(start + width, length, start + 0x1_0000 - (address & 0xffff))
      record(address & 0xffff, 0, Array(image[start..<end]))
      start = end
    }
    record(0, 5, [0, 1, 2, 3])
    record(0, 1, [])
    return Array(text.utf8)
  }

  private static func digits(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }
}

/// What is wrong with a file; nil if nothing is.
func fault(_ file: [UInt8], allowsAnyProgram: Bool = false) -> FirmwareImageError? {
  do throws(FirmwareImageError) {
    _ = try FirmwareImage(file: file, for: .nano33BLE, allowsAnyProgram: allowsAnyProgram)
    return nil
  } catch {
    return error
  }
}
