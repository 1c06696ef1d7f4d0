import Bytes

/// Opcodes of the Attribute Protocol (Core specification, Vol 3 Part F §3.4).
enum AttributeOpcode {
  static let error: UInt8 = 0x01
  static let exchangeMTU: UInt8 = 0x02
  static let findInformation: UInt8 = 0x04
  static let findByTypeValue: UInt8 = 0x06
  static let readByType: UInt8 = 0x08
  static let read: UInt8 = 0x0a
  static let readBlob: UInt8 = 0x0c
  static let readMultiple: UInt8 = 0x0e
  static let readByGroupType: UInt8 = 0x10
  static let write: UInt8 = 0x12
  static let notification: UInt8 = 0x1b
  static let indication: UInt8 = 0x1d
  static let confirmation: UInt8 = 0x1e
  static let readMultipleVariable: UInt8 = 0x20
  static let writeCommand: UInt8 = 0x52

  /// The bit of commands, which are never answered.
  static let commandBit: UInt8 = 0x40
}

/// Why a request is refused (Core specification, Vol 3 Part F §3.4.1.1, and the Supplement's common codes).
enum AttributeError: UInt8, Error {
  case invalidHandle = 0x01
  case readNotPermitted = 0x02
  case writeNotPermitted = 0x03
  case invalidPDU = 0x04
  case insufficientAuthentication = 0x05
  case requestNotSupported = 0x06
  case invalidOffset = 0x07
  case attributeNotFound = 0x0a
  case invalidLength = 0x0d
  case insufficientEncryption = 0x0f
  case unsupportedGroupType = 0x10
  case valueNotAllowed = 0x13
  case improperConfiguration = 0xfd

  init(lack: LinkSecurity.Lack) {
    self = lack == .authentication ? .insufficientAuthentication : .insufficientEncryption
  }
}

/// A refusal and the attribute that it is about.
struct AttributeRefusal: Error {
  var error: AttributeError
  var handle: UInt16

  init(_ error: AttributeError, _ handle: UInt16 = 0) {
    self.error = error
    self.handle = handle
  }
}

/// A range of handles that a request asks about.
struct HandleRange {
  var first: UInt16
  var last: UInt16

  /// Reads it from the two fields behind the opcode.
  init(of request: Span<UInt8>) throws(AttributeRefusal) {
    guard let first = request.littleEndian16(at: 1), let last = request.littleEndian16(at: 3) else {
      throw AttributeRefusal(.invalidPDU)
    }
    guard first > 0, first <= last else { throw AttributeRefusal(.invalidHandle, first) }
    self.first = first
    // Behind the table's end there is nothing to look at.
    self.last = min(last, AttributeTable.last)
  }
}
