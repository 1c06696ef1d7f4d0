import CBOR
public import Digests

/// Gateway to board: evaluate a model that the board holds on its held-out examples.
public struct EvaluationTask: Sendable, Equatable {
  /// The model.
  public var model: Digest32

  /// A message with these fields.
  public init(model: Digest32) {
    self.model = model
  }
}

extension EvaluationTask: MessageFields {
  static var requiredKeys: UInt32 { 1 }

  init() {
    self.init(model: .zero)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, bytes: model.span)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: model = try cbor.digest()
    default: break
    }
  }
}
