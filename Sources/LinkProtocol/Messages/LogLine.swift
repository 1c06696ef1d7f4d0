public import Bytes
import CBOR

/// How much a line of a board's log matters.
public enum LogLevel: UInt8, Sendable, Equatable {
  /// For whoever looks for a fault.
  case debug = 0
  /// Worth knowing.
  case info = 1
  /// Something went wrong and was dealt with.
  case warning = 2
  /// Something went wrong and needs a person.
  case error = 3
}

/// Board to gateway: a line for the log.
public struct LogLine: Sendable, Equatable {
  /// How much it matters.
  public var level: LogLevel
  /// What happened.
  public var text: ShortText

  /// A message with these fields.
  public init(level: LogLevel, text: ShortText) {
    self.level = level
    self.text = text
  }
}

extension LogLine: MessageFields {
  static var requiredKeys: UInt32 { 2 }

  init() {
    self.init(level: .info, text: ShortText())
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: level.rawValue)
      cbor.field(2, text: text.span)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: level = try cbor.value()
    case 2: text = ShortText(try cbor.text())
    default: break
    }
  }
}
