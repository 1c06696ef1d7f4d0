import Aggregation
public import Datasets
public import TrainingCore

/// What federated learning is measured against: models that learn from the same examples with the same budget,
/// all data in one place, or each board for itself. All are judged by the same held-out examples.
public struct Comparison: Sendable, Equatable {
  /// The model that was trained on all boards' training examples together.
  public let centralised: Score
  /// The model of each board that never talked to another, in the order of the shards.
  public let alone: [Score]

  /// Mean accuracy of the boards alone, 0…1.
  public var aloneMean: Double {
    alone.reduce(0) { $0 + $1.accuracy } / Double(max(1, alone.count))
  }
}

/// Trains the baselines of a federation.
///
/// Each gets rounds × `hyperparameters.epochs` passes over its own training examples, from the same starting
/// parameters; round r has the seed `hyperparameters.seed` + r, as in ``federate(shards:test:model:hyperparameters:rounds:start:)``.
///
/// - Parameters:
///   - shards: one for each board; their split `train` is trained on.
///   - test: judges the models, all of its examples.
///   - rounds: ≥ 1.
///   - start: the starting parameters.
public func compare(
  shards: [Dataset], test: Dataset, model: ModelDescription, hyperparameters: Hyperparameters, rounds: Int,
  start: [Float]
) throws(BaselineError) -> Comparison {
  func score(on dataset: Dataset) throws(BaselineError) -> Score {
    var parameters = start
    for round in 0..<rounds {
      parameters = try train(model, hyperparameters.forRound(round), from: parameters, on: dataset)
    }
    return try evaluate(model, parameters, on: test)
  }
  guard let union = Dataset.union(of: shards) else { throw .nothing("board") }
  let centralised = try score(on: union)
  var alone: [Score] = []
  for shard in shards { alone.append(try score(on: shard)) }
  return Comparison(centralised: centralised, alone: alone)
}

/// Federated Averaging in memory, without links, boards or failures: every board in every round.
///
/// It shows what a data set, a model and hyperparameters can reach; a federation over real links reaches the
/// same, bit for bit, if its boards train with the same seeds and lossless updates.
///
/// - Returns: the score after each round.
public func federate(
  shards: [Dataset], test: Dataset, model: ModelDescription, hyperparameters: Hyperparameters, rounds: Int,
  start: [Float]
) throws(BaselineError) -> [Score] {
  var global = start
  var scores: [Score] = []
  for round in 0..<rounds {
    var average = FederatedAverage(parameterCount: global.count)
    for shard in shards {
      let trained = try train(model, hyperparameters.forRound(round), from: global, on: shard)
      let contribution = Contribution(
        examples: UInt32(shard.indices(of: .train).count), delta: zip(trained, global).map { $0 - $1 })
      do { try average.add(contribution) } catch { throw .failed(.lossNotFinite) }
    }
    do { global = try apply(base: global, average: average.average()) } catch { throw .nothing("board") }
    scores.append(try evaluate(model, global, on: test))
  }
  return scores
}

extension Hyperparameters {
  /// The same with the seed of a round, 0 being the first, so that rounds take the examples in other orders.
  public func forRound(_ round: Int) -> Hyperparameters {
    var changed = self
    changed.seed &+= UInt32(truncatingIfNeeded: round)
    return changed
  }
}
