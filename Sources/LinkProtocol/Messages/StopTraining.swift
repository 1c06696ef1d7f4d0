import CBOR

/// Gateway to board: the result of a round is not wanted any more.
public struct StopTraining: Sendable, Equatable {
  /// The round.
  public var round: UInt32

  /// A message with these fields.
  public init(round: UInt32) {
    self.round = round
  }
}

extension StopTraining: MessageFields {
  static var requiredKeys: UInt32 { 1 }

  init() {
    self.init(round: 0)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: round)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: round = try cbor.unsigned()
    default: break
    }
  }
}
