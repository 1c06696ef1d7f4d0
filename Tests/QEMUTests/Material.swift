import Bytes
import Datasets
import Digests
import Foundation
import LinkProtocol
import TrainingCore
import UpdateCodec

/// Shards, models and tasks that the tests work with.
enum Material {
  static func shard(of name: String) throws -> Dataset {
    try Dataset(path: Emulation.dataset(name)).shards(.iid(boards: 6, seed: 11))[0]
  }

  static func input(of shard: Dataset) -> InputFormat {
    switch shard.features {
    case .float32: .float32
    case .int8(_, let scale, let zeroPoint): .int8(scale: scale, zeroPoint: zeroPoint)
    }
  }

  /// A snapshot of a model for the shard with seeded weights.
  static func model(for shard: Dataset, hidden: Int?, seed: UInt64 = 5) throws -> [UInt8] {
    let classes = shard.classNames.count
    let model =
      if let hidden {
        try ModelDescription(
          inputWidth: shard.featureWidth, hidden: hidden, classes: classes, input: input(of: shard))
      } else {
        try ModelDescription(inputWidth: shard.featureWidth, classes: classes, input: input(of: shard))
      }
    var weights = [Float](repeating: 0, count: model.parameterCount)
    var span = weights.mutableSpan
    initialiseWeights(of: model, seed: seed, into: &span)
    let snapshot = ModelSnapshot(version: 0, model: model)
    var header = BoundedBytes(capacity: ModelSnapshot.maximumHeaderLength)
    snapshot.encodeHeader(into: &header)
    var bytes: [UInt8] = []
    for i in 0..<header.count { bytes.append(header.span[i]) }
    for weight in weights { withUnsafeBytes(of: weight.bitPattern.littleEndian) { bytes += $0 } }
    return bytes
  }

  static func task(_ model: ObjectName, epochs: UInt16 = 2, momentum: Float = 0.9) -> TrainTask {
    TrainTask(
      round: 1, model: model.digest, epochs: epochs, batchSize: 8, learningRate: 0.05, momentum: momentum,
      weightDecay: 0.001, proximal: 0.01, seed: 42)
  }

  static func read(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  static func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }
}
