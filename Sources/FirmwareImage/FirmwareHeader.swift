/// What a FedBridge image says about itself (Protocols/firmware-image.md): 32 bytes at ``offset``, little-endian.
public struct FirmwareHeader: Sendable, Hashable {
  /// Where it stands in the image: right behind the vector table.
  public static let offset = 0x100
  /// Its length in bytes.
  public static let length = 32
  /// The form that is understood here.
  static let form: UInt16 = 1
  /// `FBIM`.
  static let magic = Array("FBIM".utf8)

  /// The board that the image is for.
  public var board: UInt16
  /// Where it was linked to run.
  public var loadAddress: UInt32
  /// The length of the image in bytes.
  public var imageLength: UInt32
  /// The version of the firmware: 1 to 16 printable ASCII characters.
  public var version: String

  /// Reads the header of an image.
  ///
  /// - Returns: nil if there is none: too short, or another program.
  /// - Throws: ``FirmwareImageError/unknownHeader(form:)`` or ``FirmwareImageError/unreadableVersion``.
  init?(of image: [UInt8]) throws(FirmwareImageError) {
    guard image.count >= Self.offset + Self.length else { return nil }
    let fields = image[Self.offset..<Self.offset + Self.length]
    guard fields.prefix(4).elementsEqual(Self.magic) else { return nil }
    func number(_ at: Int, _ bytes: Int) -> UInt32 {
      (0..<bytes).reduce(0) { $0 | UInt32(fields[Self.offset + at + $1]) << UInt32(8 * $1) }
    }
    let form = UInt16(truncatingIfNeeded: number(4, 2))
    guard form == Self.form else { throw .unknownHeader(form: form) }
    board = UInt16(truncatingIfNeeded: number(6, 2))
    loadAddress = number(8, 4)
    imageLength = number(12, 4)
    let text = fields.suffix(16)
    let characters = text.prefix { $0 != 0 }
    guard !characters.isEmpty, characters.allSatisfy({ (0x21...0x7e).contains($0) }),
      text.dropFirst(characters.count).allSatisfy({ $0 == 0 })
    else { throw .unreadableVersion }
    version = String(decoding: characters, as: UTF8.self)
  }
}
