import Datasets
import PropertyTesting

/// A data set whose models are large enough that their transfer takes a while: 512 inputs, 16,746 parameters,
/// 67 KB on the wire; and with so many examples that training takes a while too.
func wideDataset(boards: Int, examplesPerBoard: Int = 400) throws -> Dataset {
  let width = 512
  let held = 100
  let count = boards * examplesPerBoard + held
  var generator = SeededGenerator(seed: 5)
  // Each class prefers inputs of its own.
  var values: [Int8] = []
  values.reserveCapacity(count * width)
  for example in 0..<count {
    for input in 0..<width {
      let noise = Int8.random(in: -40...40, using: &generator)
      values.append(input % 10 == example % 10 ? noise + 50 : noise)
    }
  }
  return try Dataset(
    name: "wide", classNames: (0..<10).map { "class \($0)" }, featureWidth: width,
    labels: (0..<count).map { UInt8($0 % 10) }, groups: [UInt16](repeating: 0, count: count),
    splits: (0..<count).map { $0 < count - held ? .train : .test },
    features: .int8(values, scale: 0.02, zeroPoint: 0))
}
