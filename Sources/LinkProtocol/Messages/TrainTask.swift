import CBOR
public import Digests

/// Gateway to board: train on a model that the board holds, then offer the update.
public struct TrainTask: Sendable, Equatable {
  /// The round this is for, from 1.
  public var round: UInt32
  /// The model to begin with.
  public var model: Digest32
  /// Passes over the board's examples, at least 1.
  public var epochs: UInt16
  /// Examples a weight update, at least 1.
  public var batchSize: UInt16
  /// Step size, above 0.
  public var learningRate: Float
  /// Share of the last step that is kept, 0 up to below 1.
  public var momentum: Float
  /// Pull of the weights towards 0, at least 0.
  public var weightDecay: Float
  /// Pull towards the model to begin with (FedProx's µ), at least 0.
  public var proximal: Float
  /// Seed of the order of the examples.
  public var seed: UInt32

  /// A message with these fields.
  public init(
    round: UInt32, model: Digest32, epochs: UInt16, batchSize: UInt16,
    learningRate: Float, momentum: Float, weightDecay: Float, proximal: Float, seed: UInt32
  ) {
    self.round = round
    self.model = model
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.proximal = proximal
    self.seed = seed
  }
}

extension TrainTask: MessageFields {
  static var requiredKeys: UInt32 { 9 }

  init() {
    self.init(
      round: 0, model: .zero, epochs: 1, batchSize: 1,
      learningRate: 0, momentum: 0, weightDecay: 0, proximal: 0, seed: 0)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: round)
      cbor.field(2, bytes: model.span)
      cbor.field(3, unsigned: epochs)
      cbor.field(4, unsigned: batchSize)
      cbor.field(5, float: learningRate)
      cbor.field(6, float: momentum)
      cbor.field(7, float: weightDecay)
      cbor.field(8, float: proximal)
      cbor.field(9, unsigned: seed)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: round = try cbor.unsigned()
    case 2: model = try cbor.digest()
    case 3: epochs = try cbor.unsigned()
    case 4: batchSize = try cbor.unsigned()
    case 5: learningRate = try cbor.float()
    case 6: momentum = try cbor.float()
    case 7: weightDecay = try cbor.float()
    case 8: proximal = try cbor.float()
    case 9: seed = try cbor.unsigned()
    default: break
    }
  }
}
