public import BoardRuntime
public import Datasets
public import TrainingCore

/// A shard of a data set, as the examples of a board.
public struct DatasetExamples: ExampleStore {
  private let shard: Dataset
  private let trainingIndices: [Int]
  private let heldOutIndices: [Int]

  /// The examples of `shard`, whose test split are the board's own held-out ones.
  public init(_ shard: Dataset) {
    self.shard = shard
    trainingIndices = shard.indices(of: .train)
    heldOutIndices = shard.indices(of: .test)
  }

  /// Features of an example.
  public var featureWidth: Int { shard.featureWidth }

  /// The form of the features.
  public var input: InputFormat {
    switch shard.features {
    case .float32: return .float32
    case .int8(_, let scale, let zeroPoint): return .int8(scale: scale, zeroPoint: zeroPoint)
    }
  }

  /// Number of classes.
  public var classCount: Int { shard.classNames.count }

  /// Number of examples.
  public func count(of set: ExampleSet) -> Int {
    switch set {
    case .training: return trainingIndices.count
    case .heldOut: return heldOutIndices.count
    }
  }

  private func row(_ index: Int, of set: ExampleSet) -> Int? {
    let indices = set == .training ? trainingIndices : heldOutIndices
    return indices.indices.contains(index) ? indices[index] : nil
  }

  /// Copies the features of an example of float32 input.
  public func load(_ index: Int, of set: ExampleSet, into features: inout MutableSpan<Float>) -> Int? {
    guard let row = row(index, of: set), case .float32(let values) = shard.features,
      features.count == featureWidth
    else { return nil }
    for i in 0..<featureWidth { features[i] = values[row * featureWidth + i] }
    return Int(shard.labels[row])
  }

  /// Copies the features of an example of int8 input.
  public func load(_ index: Int, of set: ExampleSet, into features: inout MutableSpan<Int8>) -> Int? {
    guard let row = row(index, of: set), case .int8(let values, _, _) = shard.features,
      features.count == featureWidth
    else { return nil }
    for i in 0..<featureWidth { features[i] = values[row * featureWidth + i] }
    return Int(shard.labels[row])
  }
}
