/// The top three bits of the first byte of every item (RFC 8949 §3.1).
enum MajorType {
  static let unsigned: UInt8 = 0
  static let negative: UInt8 = 1
  static let bytes: UInt8 = 2
  static let text: UInt8 = 3
  static let array: UInt8 = 4
  static let map: UInt8 = 5
  static let tag: UInt8 = 6
  static let simple: UInt8 = 7
}

/// The low five bits of the first byte, where they do not stand for themselves (RFC 8949 §3, §3.3).
enum AdditionalInformation {
  /// False, true and null of major type 7.
  static let `false`: UInt8 = 20
  static let `true`: UInt8 = 21
  static let null: UInt8 = 22
  /// The argument is the next 1, 2, 4 or 8 bytes; for major type 7 the last three are the floats.
  static let oneByte: UInt8 = 24
  static let twoBytes: UInt8 = 25
  static let fourBytes: UInt8 = 26
  static let eightBytes: UInt8 = 27
  static let indefinite: UInt8 = 31
}

/// What kind of item comes next: see ``CBORDecoder/nextType``.
public enum CBORType: Sendable, Equatable {
  /// An integer from 0 to 2^64 − 1.
  case unsigned
  /// An integer from −2^64 to −1.
  case negative
  /// A byte string.
  case bytes
  /// A text string, in UTF-8.
  case text
  /// An array.
  case array
  /// A map.
  case map
  /// A tag with the item that it is about; our messages have none.
  case tag
  /// False or true.
  case bool
  /// Null.
  case null
  /// A float of 16, 32 or 64 bits.
  case float
  /// Another simple value, among them "undefined", or no CBOR at all.
  case other
}
