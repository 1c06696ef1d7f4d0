import CBOR

/// Board to gateway: how training goes.
public struct TrainingReport: Sendable, Equatable {
  /// The round.
  public var round: UInt32
  /// Passes begun, from 1.
  public var epoch: UInt16
  /// Passes in all.
  public var epochs: UInt16
  /// Examples seen so far, over all passes.
  public var step: UInt32
  /// Examples in all, over all passes.
  public var steps: UInt32
  /// Mean loss of the current pass so far.
  public var loss: Float

  /// A message with these fields.
  public init(round: UInt32, epoch: UInt16, epochs: UInt16, step: UInt32, steps: UInt32, loss: Float) {
    self.round = round
    self.epoch = epoch
    self.epochs = epochs
    self.step = step
    self.steps = steps
    self.loss = loss
  }
}

extension TrainingReport: MessageFields {
  static var requiredKeys: UInt32 { 6 }

  init() {
    self.init(round: 0, epoch: 0, epochs: 0, step: 0, steps: 0, loss: 0)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: round)
      cbor.field(2, unsigned: epoch)
      cbor.field(3, unsigned: epochs)
      cbor.field(4, unsigned: step)
      cbor.field(5, unsigned: steps)
      cbor.field(6, float: loss)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: round = try cbor.unsigned()
    case 2: epoch = try cbor.unsigned()
    case 3: epochs = try cbor.unsigned()
    case 4: step = try cbor.unsigned()
    case 5: steps = try cbor.unsigned()
    case 6: loss = try cbor.float()
    default: break
    }
  }
}
