/// Labelled examples that models learn from and are judged by: a whole data set, or one board's shard of it.
///
/// A value of this type is consistent: all columns are equally long, labels are below the number of classes,
/// floats are finite.
public struct Dataset: Sendable, Equatable {
  /// What an example is for.
  public enum Split: UInt8, Sendable {
    /// To be trained on.
    case train = 0
    /// Never trained on. In a whole data set: judges the models, no board sees it. In a shard: the board's
    /// own held-out examples.
    case test = 1
  }

  /// The inputs of all examples, one example after the other.
  public enum Features: Sendable, Equatable {
    /// Inputs as they are; all finite.
    case float32([Float])
    /// Inputs are scale × (stored − zeroPoint); scale is finite and above 0.
    case int8([Int8], scale: Float, zeroPoint: Int8)

    /// How many values there are.
    public var count: Int {
      switch self {
      case .float32(let values): values.count
      case .int8(let values, _, _): values.count
      }
    }
  }

  /// How a raw feature becomes an input: (raw − mean) / deviation.
  public struct Column: Sendable, Equatable {
    /// What the feature is, 1…255 bytes of UTF-8.
    public let name: String
    /// Subtracted first; finite.
    public let mean: Float
    /// Divided by then; finite, above 0.
    public let deviation: Float

    /// A column's name and constants; checked when it becomes part of a data set.
    public init(name: String, mean: Float, deviation: Float) {
      self.name = name
      self.mean = mean
      self.deviation = deviation
    }
  }

  /// The data set's name, the same in all its shards.
  public let name: String
  /// The names of the classes, in the order of the labels; 1…256 of them.
  public let classNames: [String]
  /// Number of inputs of an example, 1…4096.
  public let featureWidth: Int
  /// How raw features become inputs, one for each, or none where the features are inputs as they come.
  public let columns: [Column]
  /// The class of each example.
  public let labels: [UInt8]
  /// Whom or what each example comes from (a person, say); 0 when unknown.
  public let groups: [UInt16]
  /// What each example is for.
  public let splits: [Split]
  /// The inputs: count × featureWidth values.
  public let features: Features

  /// Makes a data set of its parts, in memory.
  ///
  /// - Throws: ``DatasetError`` with code `inconsistent` if they do not fit together.
  public init(
    name: String, classNames: [String], featureWidth: Int, columns: [Column] = [], labels: [UInt8],
    groups: [UInt16], splits: [Split], features: Features
  ) throws(DatasetError) {
    self.init(
      unchecked: name, classNames: classNames, featureWidth: featureWidth, columns: columns, labels: labels,
      groups: groups, splits: splits, features: features)
    if let contradiction {
      throw DatasetError(.inconsistent, contradiction, remedy: "correct what made it", subject: name)
    }
  }

  init(
    unchecked name: String, classNames: [String], featureWidth: Int, columns: [Column], labels: [UInt8],
    groups: [UInt16], splits: [Split], features: Features
  ) {
    self.name = name
    self.classNames = classNames
    self.featureWidth = featureWidth
    self.columns = columns
    self.labels = labels
    self.groups = groups
    self.splits = splits
    self.features = features
  }

  /// Number of examples.
  public var count: Int { labels.count }

  /// The examples at `indices` (each 0 ..< count), in that order.
  public func subset(_ indices: [Int]) -> Dataset {
    subset(indices, splits: indices.map { splits[$0] })
  }

  /// The examples that are for `split`, in their order.
  public func subset(_ split: Split) -> Dataset {
    subset(indices(of: split))
  }

  /// Where the examples that are for `split` stand.
  public func indices(of split: Split) -> [Int] {
    splits.indices.filter { splits[$0] == split }
  }

  func subset(_ indices: [Int], splits: [Split]) -> Dataset {
    func rows<Value>(_ values: [Value]) -> [Value] {
      var chosen: [Value] = []
      chosen.reserveCapacity(indices.count * featureWidth)
      for i in indices { chosen += values[i * featureWidth..<(i + 1) * featureWidth] }
      return chosen
    }
    let chosen: Features =
      switch features {
      case .float32(let values): .float32(rows(values))
      case .int8(let values, let scale, let zeroPoint):
        .int8(rows(values), scale: scale, zeroPoint: zeroPoint)
      }
    return Dataset(
      unchecked: name, classNames: classNames, featureWidth: featureWidth, columns: columns,
      labels: indices.map { labels[$0] }, groups: indices.map { groups[$0] }, splits: splits, features: chosen
    )
  }
}

extension Dataset {
  /// All examples of shards of one data set, shard after shard; nil if there is none or they are of different
  /// kinds (inputs, classes).
  public static func union(of shards: [Dataset]) -> Dataset? {
    guard let first = shards.first else { return nil }
    var floats: [Float] = []
    var bytes: [Int8] = []
    for shard in shards {
      guard shard.classNames == first.classNames, shard.featureWidth == first.featureWidth else { return nil }
      switch (shard.features, first.features) {
      case (.float32(let values), .float32): floats += values
      case (.int8(let values, let scale, let zeroPoint), .int8(_, let firstScale, let firstZeroPoint)):
        guard scale == firstScale, zeroPoint == firstZeroPoint else { return nil }
        bytes += values
      default: return nil
      }
    }
    let features: Features =
      if case .int8(_, let scale, let zeroPoint) = first.features {
        .int8(bytes, scale: scale, zeroPoint: zeroPoint)
      } else {
        .float32(floats)
      }
    return Dataset(
      unchecked: first.name, classNames: first.classNames, featureWidth: first.featureWidth,
      columns: first.columns, labels: shards.flatMap(\.labels), groups: shards.flatMap(\.groups),
      splits: shards.flatMap(\.splits), features: features)
  }
}
