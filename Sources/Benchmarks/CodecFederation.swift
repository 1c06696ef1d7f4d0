import Aggregation
import Baselines
import Bytes
import Datasets
import TrainingCore
import UpdateCodec

/// Federated Averaging in memory, every difference going through a codec both ways, as objects: boards and gateway
/// keep what their codec left out and add it to their next difference.
struct CodecFederation {
  static let rounds = 40
  /// The accuracy is the mean of so many last rounds.
  static let judged = 5

  /// Mean accuracy on the data set's test examples, 0…1.
  private(set) var accuracy = 0.0
  /// Bytes of all updates, and of all deltas.
  private(set) var upBytes = 0
  private(set) var downBytes = 0
  private(set) var updates = 0
  /// Bytes of the updates if their values were Rice-coded.
  private(set) var riceBytes = 0
  /// Seconds, and values that were coded and decoded in them.
  private(set) var encoding = 0.0
  private(set) var decoding = 0.0
  private(set) var values = 0

  private let model: ModelDescription
  private let coding: UpdateCoding

  init(_ federation: CodecCase, _ coding: UpdateCoding, seed: UInt64) throws {
    model = federation.model
    self.coding = coding
    let shards = try federation.data.shards(federation.partition(seed))
    let test = federation.data.subset(.test)
    var hyperparameters = federation.hyperparameters
    hyperparameters.seed = UInt32(1000 * seed)
    var global = [Float](repeating: 0, count: model.parameterCount)
    var start = global.mutableSpan
    initialiseWeights(of: model, seed: seed, into: &start)
    var residuals = [[Float]](repeating: [Float](repeating: 0, count: global.count), count: shards.count + 1)
    let tag = DigestTag(rawValue: 0)

    for round in 0..<Self.rounds {
      var average = FederatedAverage(parameterCount: global.count)
      for (board, shard) in shards.enumerated() {
        let trained = try train(model, hyperparameters.forRound(round), from: global, on: shard)
        for i in global.indices { residuals[board][i] += trained[i] - global[i] }
        let examples = UInt32(shard.indices(of: .train).count)
        let header = UpdateHeader(
          coding: coding, round: UInt32(round + 1), examples: examples, parameterCount: UInt32(global.count),
          loss: 0, base: tag)
        let object = timed(&encoding) { header.object(coding: &residuals[board], for: model) }
        let delta = try received(object, header.length)
        upBytes += object.count
        updates += 1
        riceBytes += RiceCode.length(of: delta, coding).map { header.length + $0 } ?? object.count
        try average.add(Contribution(examples: examples, delta: delta))
      }
      let mean = try average.average()
      for i in global.indices { residuals[shards.count][i] += mean[i] }
      let header = DeltaHeader(
        coding: coding, version: UInt32(round + 1), parameterCount: UInt32(global.count), base: tag,
        result: tag)
      let object = timed(&encoding) { header.object(coding: &residuals[shards.count], for: model) }
      downBytes += object.count
      global = try apply(base: global, average: try received(object, header.length))
      if round >= Self.rounds - Self.judged {
        accuracy += try evaluate(model, global, on: test).accuracy / Double(Self.judged)
      }
    }
  }

  private mutating func received(_ object: [UInt8], _ headerLength: Int) throws -> [Float] {
    values += model.parameterCount
    return try timed(&decoding) {
      try decodeDifference(object, from: headerLength, coding: coding, for: model)
    }
  }

  private func timed<Result>(_ seconds: inout Double, _ body: () throws -> Result) rethrows -> Result {
    let start = ContinuousClock.now
    defer { seconds += (ContinuousClock.now - start) / .seconds(1) }
    return try body()
  }
}
