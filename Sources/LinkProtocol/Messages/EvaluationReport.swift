import CBOR
public import Digests

/// Board to gateway: what an evaluation found.
public struct EvaluationReport: Sendable, Equatable {
  /// The model.
  public var model: Digest32
  /// Examples evaluated.
  public var count: UInt32
  /// Examples whose most likely class was the right one.
  public var correct: UInt32
  /// Mean loss.
  public var loss: Float

  /// A message with these fields.
  public init(model: Digest32, count: UInt32, correct: UInt32, loss: Float) {
    self.model = model
    self.count = count
    self.correct = correct
    self.loss = loss
  }
}

extension EvaluationReport: MessageFields {
  static var requiredKeys: UInt32 { 4 }

  init() {
    self.init(model: .zero, count: 0, correct: 0, loss: 0)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, bytes: model.span)
      cbor.field(2, unsigned: count)
      cbor.field(3, unsigned: correct)
      cbor.field(4, float: loss)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: model = try cbor.digest()
    case 2: count = try cbor.unsigned()
    case 3: correct = try cbor.unsigned()
    case 4: loss = try cbor.float()
    default: break
    }
  }
}
