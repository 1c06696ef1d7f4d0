import Baselines
import Datasets
import TrainingCore

/// A federation to measure codecs in: data, model, how boards train, and how the data is divided.
struct CodecCase {
  /// Its part of the figures' names.
  let name: String
  let data: Dataset
  let model: ModelDescription
  let hyperparameters: Hyperparameters
  let partition: (_ seed: UInt64) -> Partition

  /// Digits behind a fixed random layer, 256→10, by lot and by label skew; the bundled data sets with the model
  /// and the hyperparameters that federations use, digits by lot and exercises by person.
  static func all() throws -> [CodecCase] {
    let digits = try Dataset.named("digits")
    let exercises = try Dataset.named("exercises")
    let wide = try digits.behindRandomLayer(width: 256)
    let head = try ModelDescription(inputWidth: 256, classes: digits.classNames.count)
    let plain = Hyperparameters(epochs: 2, batchSize: 16, learningRate: 0.05)
    return [
      CodecCase(name: "digits", data: wide, model: head, hyperparameters: plain) {
        .iid(boards: 8, seed: $0)
      },
      CodecCase(name: "digits-skewed", data: wide, model: head, hyperparameters: plain) {
        .labelSkew(boards: 8, alpha: 0.3, seed: $0)
      },
      try usual(digits, name: "digits-64x32x10"), try usual(exercises, name: "exercises"),
    ]
  }

  private static func usual(_ data: Dataset, name: String) throws -> CodecCase {
    let defaults = DatasetDefaults(for: data)
    return CodecCase(
      name: name, data: data, model: try defaults.model(for: data), hyperparameters: defaults.hyperparameters
    ) { DatasetDefaults.partition(of: data, boards: defaults.boards, seed: $0) }
  }
}

extension Dataset {
  /// The outputs of a random layer with ReLU, as a frozen feature extractor would give them: the same for everybody,
  /// brought to a standard deviation of 1.
  fileprivate func behindRandomLayer(width: Int) throws -> Dataset {
    guard case .int8(let stored, let scale, let zeroPoint) = features else { return self }
    var random = SplitMix64(seed: 7)
    // Nearly normal: a sum of twelve uniform numbers.
    func normal() -> Float { (0..<12).reduce(0) { sum, _ in sum + random.nextSigned() } / 2 }
    let weights = (0..<featureWidth * width).map { _ in normal() / 2 }
    let biases = (0..<width).map { _ in random.nextSigned() / 2 }
    var values = [Float](repeating: 0, count: count * width)
    for example in 0..<count {
      let inputs = (0..<featureWidth).map {
        Float(Int(stored[example * featureWidth + $0]) - Int(zeroPoint)) * scale
      }
      for output in 0..<width {
        var sum = biases[output]
        for (i, input) in inputs.enumerated() where input != 0 { sum += input * weights[i * width + output] }
        values[example * width + output] = max(0, sum)
      }
    }
    let number = Double(values.count)
    let mean = values.reduce(0.0) { $0 + Double($1) } / number
    let variance = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / number
    let deviation = Float(variance.squareRoot())
    return try Dataset(
      name: name, classNames: classNames, featureWidth: width, labels: labels, groups: groups, splits: splits,
      features: .float32(values.map { $0 / deviation }))
  }
}
