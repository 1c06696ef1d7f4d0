import CBOR

/// Why something cannot be done.
public enum ProblemCode: UInt8, Sendable, Equatable {
  /// The message is of a type that the receiver does not know.
  case unknownMessage = 1
  /// The board does not hold the model that was named.
  case modelNotHeld = 2
  /// The model does not fit the board's memory.
  case modelTooLarge = 3
  /// The model does not fit the board's examples: its inputs or its classes are others.
  case modelMismatch = 4
  /// The model is damaged or of a form that the board does not know.
  case modelInvalid = 5
  /// The hyper-parameters are out of range.
  case taskInvalid = 6
  /// The board has no examples for what was asked.
  case noExamples = 7
  /// Training left the range of numbers: the learning rate is too high.
  case diverged = 8
  /// Writing or reading flash failed.
  case flashFailed = 9
  /// The board is busy with something else.
  case busy = 10
}

/// Either side: something that was asked for cannot be done.
public struct Problem: Sendable, Equatable {
  /// What is wrong.
  public var code: ProblemCode
  /// The type of the message, or the round, that it is about.
  public var about: UInt32?
  /// How much would be needed (floats, bytes), if that is the matter.
  public var needed: UInt32?
  /// How much there is.
  public var available: UInt32?

  /// A message with these fields.
  public init(code: ProblemCode, about: UInt32? = nil, needed: UInt32? = nil, available: UInt32? = nil) {
    self.code = code
    self.about = about
    self.needed = needed
    self.available = available
  }
}

extension Problem: MessageFields {
  static var requiredKeys: UInt32 { 1 }

  init() {
    self.init(code: .unknownMessage)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: code.rawValue)
      if let about { cbor.field(2, unsigned: about) }
      if let needed { cbor.field(3, unsigned: needed) }
      if let available { cbor.field(4, unsigned: available) }
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: code = try cbor.value()
    case 2: about = try cbor.unsigned(as: UInt32.self)
    case 3: needed = try cbor.unsigned(as: UInt32.self)
    case 4: available = try cbor.unsigned(as: UInt32.self)
    default: break
    }
  }
}
