/// Why a file is not what a board can be given. Each case has a stable code, a cause and a remedy.
public enum FirmwareImageError: Error, Hashable, Sendable {
  /// There is nothing in it.
  case empty
  /// It does not begin with a vector table.
  case notAnImage
  /// It is an ELF file.
  case executable
  /// A program that is not FedBridge's.
  case noHeader
  /// A header of a form that is not known here.
  case unknownHeader(form: UInt16)
  /// The version in its header is no text.
  case unreadableVersion
  /// It is for another board.
  case otherBoard(image: String, board: String)
  /// It was linked to run elsewhere.
  case otherAddress(image: UInt32, board: UInt32)
  /// Its header has a length that no image has.
  case unlikelyLength(Int)
  /// It is longer than the board has room for.
  case tooLong(length: Int, limit: Int)
  /// Its end is missing.
  case truncated(length: Int, expected: Int)
  /// Something follows after its end.
  case trailingBytes(length: Int, expected: Int)
  /// The processor could not start from its vector table.
  case badVectorTable
  /// A record of an Intel HEX file is damaged.
  case hexRecord(line: Int, what: String)
  /// A record of an Intel HEX file lies outside of the board's flash.
  case hexOutside(address: UInt64)
}

extension FirmwareImageError: CustomStringConvertible {
  /// Stable, for scripts and for the documentation.
  public var code: String {
    switch self {
    case .empty: "image-empty"
    case .notAnImage: "image-not-an-image"
    case .executable: "image-executable"
    case .noHeader: "image-no-header"
    case .unknownHeader: "image-unknown-header"
    case .unreadableVersion: "image-unreadable-version"
    case .otherBoard: "image-other-board"
    case .otherAddress: "image-other-address"
    case .unlikelyLength: "image-unlikely-length"
    case .tooLong: "image-too-long"
    case .truncated: "image-truncated"
    case .trailingBytes: "image-trailing-bytes"
    case .badVectorTable: "image-bad-vector-table"
    case .hexRecord: "image-hex-damaged"
    case .hexOutside: "image-hex-outside"
    }
  }

  /// What is wrong, as a clause without a full stop.
  public var cause: String {
    switch self {
    case .empty: "the file holds nothing"
    case .notAnImage: "the file does not begin with a vector table: it is no program for this board"
    case .executable: "the file is an ELF executable, not what goes into flash"
    case .noHeader: "the file is a program for this board, but not a FedBridge image"
    case .unknownHeader(let form): "the image has a header of form \(form), which is not known here"
    case .unreadableVersion: "the version in the image's header is no text: the header is damaged"
    case .otherBoard(let image, let board): "the image is for the \(image), not for the \(board)"
    case .otherAddress(let image, let board):
      "the image was linked for address 0x\(hex(image)), and the board's programs begin at 0x\(hex(board))"
    case .unlikelyLength(let length): "the image's header says \(length) bytes, which no image has"
    case .tooLong(let length, let limit): "the image has \(length) bytes, and there is room for \(limit)"
    case .truncated(let length, let expected):
      "the file has \(length) bytes of an image of \(expected): it is cut off"
    case .trailingBytes(let length, let expected):
      "the file has \(length) bytes, and its image \(expected): something else follows"
    case .badVectorTable:
      "the image's vector table is damaged: stack pointer outside of RAM, or reset vector outside of the image"
    case .hexRecord(let line, let what): "line \(line) of the Intel HEX file: \(what)"
    case .hexOutside(let address):
      "the Intel HEX file has bytes for address 0x\(String(address, radix: 16)), outside of the board's flash"
    }
  }

  /// What to do, as a clause without a full stop.
  public var remedy: String {
    switch self {
    case .notAnImage, .otherBoard: "name an image made by: Scripts/build-firmware nano33ble"
    case .executable: "name the .bin or the .hex beside it"
    case .noHeader: "if it is a sketch of yours, say --force; FedBridge does not run on it then"
    case .unknownHeader: "update FedBridge, or build the image anew"
    case .otherAddress: "link it behind the board's bootloader: Scripts/build-firmware nano33ble does"
    case .tooLong: "build it in release configuration, or with less in it"
    case .empty, .unreadableVersion, .unlikelyLength, .truncated, .trailingBytes, .badVectorTable,
      .hexRecord, .hexOutside:
      "build it anew (Scripts/build-firmware nano33ble), or copy it anew and compare checksums"
    }
  }

  /// Cause, remedy and code in one line.
  public var description: String { "\(cause); \(remedy) [\(code)]" }

  private func hex(_ number: UInt32) -> String { String(number, radix: 16) }
}
