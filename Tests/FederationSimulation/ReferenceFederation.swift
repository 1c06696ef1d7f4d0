import Baselines
public import Datasets
import Digests
import Gateway
import Rounds
public import TrainingCore
public import UpdateCodec

/// What federated averaging gives without links, flash, boards and failures.
public struct ReferenceFederation {
  private let model: ModelDescription
  private let shards: [Dataset]
  private let hyperparameters: Hyperparameters
  private let start: [Float]
  private let coding: UpdateCoding

  /// Boards with these examples that learn a model from these parameters on.
  ///
  /// - Parameters:
  ///   - hyperparameters: of the first round.
  ///   - coding: of updates and of models.
  public init(
    model: ModelDescription, shards: [Dataset], hyperparameters: Hyperparameters, start: [Float],
    coding: UpdateCoding
  ) {
    self.model = model
    self.shards = shards
    self.hyperparameters = hyperparameters
    self.start = start
    self.coding = coding
  }

  /// The parameters after each round, all boards taking part in each. What the coding leaves out of an update comes
  /// back in the board's next one, and what it leaves out of a model in the next model.
  public func parameters(after rounds: Int) throws -> [[Float]] {
    var global = CurrentModel(first: RoundAggregation.snapshot(of: model, version: 0, parameters: start))
    var before = start
    var leftOut = shards.map { _ in [Float](repeating: 0, count: model.parameterCount) }
    var residual: [Float] = []
    var results: [[Float]] = []
    for round in 0..<rounds {
      var updates: [(examples: UInt32, payload: [UInt8])] = []
      for (board, shard) in shards.enumerated() {
        let trained = try train(model, hyperparameters.forRound(round), from: before, on: shard)
        var difference = zip(trained, before).map { $0 - $1 }
        for i in difference.indices { difference[i] += leftOut[board][i] }
        let examples = UInt32(shard.indices(of: .train).count)
        let header = UpdateHeader(
          coding: coding, round: UInt32(round + 1), examples: examples,
          parameterCount: UInt32(model.parameterCount), loss: 0, base: DigestTag(global.version.hash))
        updates.append((examples, header.object(coding: &difference, for: model)))
        leftOut[board] = difference
      }
      let result = try RoundAggregation.next(from: updates, base: global, coding: coding, residual: residual)
      residual = result.residual
      before = result.model.parameters
      let hash = SHA256.hash(of: result.model.snapshot.span)
      global = global.next(result, as: ModelVersion(number: global.version.number + 1, hash: hash))
      results.append(before)
    }
    return results
  }
}
