import Datasets
import PropertyTesting

extension Dataset {
  /// A small data set of random shape. Its first two features number the examples, so that one can be told
  /// from another wherever it goes.
  static func sample(seed: UInt64, examples: ClosedRange<Int> = 0...200) throws -> Dataset {
    var random = SeededGenerator(seed: seed)
    let count = Int.random(in: examples, using: &random)
    let classes = Int.random(in: 1...12, using: &random)
    let people = Int.random(in: 1...9, using: &random)
    let width = Int.random(in: 2...5, using: &random)
    var bytes = (0..<count * width).map { _ in Int8.random(in: -128...127, using: &random) }
    for i in 0..<count {
      bytes[i * width] = Int8(i % 100)
      bytes[i * width + 1] = Int8(i / 100)
    }
    return try Dataset(
      name: "sample-\(seed)", classNames: (0..<classes).map { "class \($0) – ä" }, featureWidth: width,
      columns: seed % 2 == 0
        ? [] : (0..<width).map { Column(name: "column \($0)", mean: Float($0) / 3, deviation: 0.25) },
      labels: (0..<count).map { _ in UInt8.random(in: 0..<UInt8(classes), using: &random) },
      groups: (0..<count).map { _ in UInt16.random(in: 1...UInt16(people), using: &random) * 1000 },
      splits: (0..<count).map { _ in Int.random(in: 0..<5, using: &random) == 0 ? .test : .train },
      features: seed % 3 == 0
        ? .float32(bytes.map { Float($0) / 7 }) : .int8(bytes, scale: 0.125, zeroPoint: Int8(seed % 5)))
  }

  /// What identifies an example of a ``sample(seed:examples:)``: its number.
  var numbers: [Int] {
    (0..<count).map { i in
      switch features {
      case .int8(let values, _, _):
        Int(values[i * featureWidth]) + 100 * Int(values[i * featureWidth + 1])
      case .float32(let values):
        Int((values[i * featureWidth] * 7).rounded()) + 100
          * Int((values[i * featureWidth + 1] * 7).rounded())
      }
    }
  }
}
