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
  /// How the update is to be coded, a number of Protocols/update-format.md; 0 for plain float32.
  public var coding: UInt8 = 0
  /// That coding's parameter; 0 if it has none.
  public var codingParameter: UInt16 = 0
  /// The run of the gateway that the round belongs to, a random number: what a codec left out of an update is added
  /// to the next one of the same run only.
  public var run: UInt32 = 0

  /// A message with these fields, for an update in plain float32 outside of any run.
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
      if coding != 0 { cbor.field(10, unsigned: coding) }
      if codingParameter != 0 { cbor.field(11, unsigned: codingParameter) }
      if run != 0 { cbor.field(12, unsigned: run) }
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
    case 10: coding = try cbor.unsigned()
    case 11: codingParameter = try cbor.unsigned()
    case 12: run = try cbor.unsigned()
    default: break
    }
  }
}
