/// A program that fits a board, as it goes into flash.
///
/// Whoever has one has looked at everything that can be looked at without running it: that it is for this board and
/// this address, whole, not too long, and begins with a vector table that the processor can start from.
public struct FirmwareImage: Sendable, Hashable {
  /// Its bytes from the load address on.
  public let bytes: [UInt8]
  /// What it says about itself; nil for a program that is not FedBridge's.
  public let header: FirmwareHeader?
  /// The board that it is for.
  public let target: FirmwareTarget

  /// No image is padded to more than a page.
  private static let longestPadding = 4096

  /// Reads the content of a file, a plain binary or Intel HEX; which of them it is its content tells.
  ///
  /// - Parameters:
  ///   - file: what the file holds.
  ///   - target: the board that it is to be for.
  ///   - allowsAnyProgram: whether a program without FedBridge's header will do, a sketch for example. What has a
  ///     header is held to it in any case.
  public init(
    file: [UInt8], for target: FirmwareTarget, allowsAnyProgram: Bool = false
  ) throws(FirmwareImageError) {
    guard !file.isEmpty else { throw .empty }
    var content = file
    // The first byte of a vector table is a multiple of four, which a colon is not.
    if file[0] == IntelHex.startOfRecord {
      let hex = try IntelHex(text: file, limit: UInt32(target.longestProgram) + target.loadAddress)
      guard hex.start == target.loadAddress else {
        throw .otherAddress(image: hex.start, board: target.loadAddress)
      }
      content = hex.bytes
    }
    let header = try FirmwareHeader(of: content)
    if let header {
      content = try Self.image(content, with: header, for: target)
    } else {
      guard Self.hasVectorTable(content, for: target) else { throw Self.reason(content) }
      guard allowsAnyProgram else { throw .noHeader }
      guard content.count <= target.longestProgram else {
        throw .tooLong(length: content.count, limit: target.longestProgram)
      }
    }
    guard Self.hasVectorTable(content, for: target) else { throw .badVectorTable }
    bytes = content
    self.header = header
    self.target = target
  }

  /// What of a file the image is that its header describes.
  private static func image(
    _ content: [UInt8], with header: FirmwareHeader, for target: FirmwareTarget
  ) throws(FirmwareImageError) -> [UInt8] {
    guard header.board == target.board else {
      throw .otherBoard(image: FirmwareTarget.name(of: header.board), board: target.name)
    }
    guard header.loadAddress == target.loadAddress else {
      throw .otherAddress(image: header.loadAddress, board: target.loadAddress)
    }
    guard header.imageLength <= target.longestImage else {
      throw .tooLong(length: Int(header.imageLength), limit: target.longestImage)
    }
    let length = Int(header.imageLength)
    guard length % 4 == 0, length >= FirmwareHeader.offset + FirmwareHeader.length else {
      throw .unlikelyLength(length)
    }
    guard content.count >= length else { throw .truncated(length: content.count, expected: length) }
    let padding = content[length...]
    guard padding.count < longestPadding, padding.allSatisfy({ $0 == padding.first }),
      [nil, 0, 0xff].contains(padding.first)
    else { throw .trailingBytes(length: content.count, expected: length) }
    return Array(content[..<length])
  }

  /// Whether it begins with a stack pointer in the board's memory and a reset vector in itself (ARMv7-M B1.5.2, B1.5.3).
  private static func hasVectorTable(_ content: [UInt8], for target: FirmwareTarget) -> Bool {
    guard content.count >= 8 else { return false }
    func word(_ at: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(content[at + $1]) << UInt32(8 * $1) }
    }
    let (stack, reset) = (word(0), word(4))
    guard stack % 4 == 0, target.memory.contains(stack), stack > target.memory.lowerBound else {
      return false
    }
    // Bit 0 says Thumb, the only instruction set there is.
    guard reset & 1 == 1 else { return false }
    let first = target.loadAddress + 8
    let end = target.loadAddress + UInt32(clamping: content.count)
    return reset >= first && reset < end
  }

  /// Why something is no image.
  private static func reason(_ content: [UInt8]) -> FirmwareImageError {
    content.starts(with: [0x7f, 0x45, 0x4c, 0x46]) ? .executable : .notAnImage
  }
}
