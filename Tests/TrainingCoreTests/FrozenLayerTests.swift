import PropertyTesting
import Testing
import TrainingCore

@Suite struct FrozenLayerTests {
  @Test func dotProductIsTheSumOfTheProductsAtEveryLengthAndPlace() {
    let seed: UInt64 = 11
    var random = SeededGenerator(seed: seed)
    for count in 0...70 {
      let a = (0..<count + 3).map { _ in Int8.random(in: .min ... .max, using: &random) }
      let b = (0..<count + 3).map { _ in Int8.random(in: .min ... .max, using: &random) }
      // Rows begin anywhere, not only where a word does.
      let (x, y) = (Int.random(in: 0...3, using: &random), Int.random(in: 0...3, using: &random))
      let sum = (0..<count).reduce(Int32(0)) { $0 + Int32(a[x + $1]) * Int32(b[y + $1]) }
      let computed = dotProduct(a.span.extracting(x..<x + count), b.span.extracting(y..<y + count))
      #expect(computed == sum, "seed \(seed), \(count) values from \(x) and \(y)")
    }
  }

  @Test func extremesDoNotOverflow() {
    let least = [Int8](repeating: .min, count: 4096)
    let greatest = [Int8](repeating: .max, count: 4096)
    #expect(dotProduct(least.span, least.span) == 4096 * 16384)
    #expect(dotProduct(least.span, greatest.span) == 4096 * -16256)
  }

  @Test func featuresAreThoseOfIntegerArithmetic() throws {
    let seed: UInt64 = 12
    var random = SeededGenerator(seed: seed)
    for activation in [Activation.none, .relu] {
      let (inputs, outputs) = (37, 9)
      let weights = (0..<inputs * outputs).map { _ in Int8.random(in: -127...127, using: &random) }
      let biases = (0..<outputs).map { _ in Int32.random(in: -99_999...99_999, using: &random) }
      let scales = (0..<outputs).map { _ in Float.random(in: 1e-5...1e-3, using: &random) }
      let x = (0..<inputs).map { _ in Int8.random(in: .min ... .max, using: &random) }
      let expected = (0..<outputs).map { o in
        let sum = (0..<inputs).reduce(Int(biases[o])) { $0 + Int(weights[o * inputs + $1]) * Int(x[$1]) }
        return Float(activation == .relu ? max(0, sum) : sum) * scales[o]
      }
      let layer = try FrozenLayer(
        inputs: inputs, activation: activation, weights: weights.span, biases: biases.span,
        scales: scales.span)
      var features = [Float](repeating: .nan, count: outputs)
      var room = features.mutableSpan
      try layer.forward(x.span, into: &room)
      #expect(features.bits == expected.bits, "seed \(seed), \(activation)")
    }
  }

  @Test func aQuantisedLayerIsAsCloseToTheFloatsAsItsScalesAllow() throws {
    let seed: UInt64 = 13
    var random = SeededGenerator(seed: seed)
    for turn in 0..<40 {
      let (inputs, outputs) = (Int.random(in: 1...50, using: &random), Int.random(in: 1...8, using: &random))
      let scale = Float.random(in: 0.001...0.5, using: &random)
      let zeroPoint = Int8.random(in: .min ... .max, using: &random)
      // Magnitudes from nothing to a bias that is far above the weights.
      let size: Float = [0, 1e-6, 1, 100][turn % 4]
      let model = try ModelDescription(
        inputWidth: inputs, classes: outputs, input: .int8(scale: scale, zeroPoint: zeroPoint))
      var parameters = (0..<model.parameterCount).map { _ in Float.random(in: -1...1, using: &random) }
      for i in 0..<inputs * outputs { parameters[i] *= size }
      let frozen = try Frozen(model, parameters)

      let x = (0..<inputs).map { _ in Int8.random(in: .min ... .max, using: &random) }
      let features = try frozen.features(of: x)
      for o in 0..<outputs {
        let values = x.map { Double(Int($0) - Int(zeroPoint)) * Double(scale) }
        let row = parameters[o * inputs..<(o + 1) * inputs]
        let exact = zip(row, values).reduce(Double(parameters[inputs * outputs + o])) {
          $0 + Double($1.0) * $1.1
        }
        let unit = Double(frozen.scales[o])
        // Half a unit of a weight for every step from the zero point, and of the bias; and float rounding.
        let steps = x.reduce(1.0) { $0 + abs(Double(Int($1) - Int(zeroPoint))) }
        let bound = 0.5 * unit * steps * 1.001 + abs(exact) * 1e-6
        #expect(abs(Double(features[o]) - exact) <= bound, "seed \(seed), turn \(turn), output \(o)")
      }
    }
  }

  @Test func aHeadLearnsOnFrozenFeaturesAsOnTheFloatsTheyComeFrom() throws {
    // Classes that a head cannot tell apart without the layer below: is the product of two inputs positive?
    let seed: UInt64 = 14
    var random = SeededGenerator(seed: seed)
    let inputs = (0..<400).map { _ in (0..<2).map { _ in Int8.random(in: -100...100, using: &random) } }
    let labels = inputs.map { Int($0[0]) * Int($0[1]) > 0 ? 1 : 0 }
    let extractor = try ModelDescription(inputWidth: 2, classes: 24, input: .int8(scale: 0.01, zeroPoint: 3))
    var parameters = initialParameters(of: extractor, seed: 5)
    for o in 0..<24 { parameters[48 + o] = Float(o % 5) * 0.1 - 0.2 }
    let frozen = try Frozen(extractor, parameters, activation: .relu)

    let head = try ModelDescription(inputWidth: 24, classes: 2)
    let hyperparameters = Hyperparameters(epochs: 20, learningRate: 0.1)
    let integers = Examples(inputs: try inputs.map { try frozen.features(of: $0) }, labels: labels)
    let floats = Examples(
      inputs: inputs.map { x in (0..<24).map { floatFeature(of: x, $0, parameters) } }, labels: labels)
    let accuracies = try [integers, floats].map { examples in
      var trainer = try Trainer(head, hyperparameters, examples: examples.inputs.count)
      trainer.finish(examples)
      return try evaluate(head, trainer.parameters, examples).accuracy
    }
    #expect(accuracies[0] > 0.9)
    #expect(abs(accuracies[0] - accuracies[1]) <= 0.02)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let weights = [Int8](repeating: 1, count: 6)
    let biases = [Int32](repeating: 0, count: 2)
    let scales = [Float](repeating: 1, count: 2)
    func make(_ inputs: Int, _ weights: [Int8], _ scales: [Float]) throws(ModelError) {
      _ = try FrozenLayer(
        inputs: inputs, activation: .none, weights: weights.span, biases: biases.span, scales: scales.span)
    }
    #expect(throws: ModelError.malformed) { try make(2, weights, scales) }
    #expect(throws: ModelError.malformed) { try make(3, weights, [1]) }
    #expect(throws: ModelError.widthOutOfRange(0)) { try make(0, [], scales) }
    #expect(throws: ModelError.widthOutOfRange(4097)) { try make(4097, weights, scales) }
    let layer = try FrozenLayer(
      inputs: 3, activation: .none, weights: weights.span, biases: biases.span, scales: scales.span)
    var features = [Float](repeating: 7, count: 2)
    var room = features.mutableSpan
    var failures: [ExampleFailure] = []
    do throws(ExampleFailure) { try layer.forward([Int8](repeating: 1, count: 2).span, into: &room) } catch {
      failures.append(error)
    }
    var short = room._mutatingExtracting(0..<1)
    do throws(ExampleFailure) { try layer.forward([1, 1, 1].span, into: &short) } catch {
      failures.append(error)
    }
    #expect(failures == [.inputWidth(got: 2, expected: 3), .inputWidth(got: 1, expected: 2)])
    #expect(features == [7, 7])
  }

  @Test(arguments: [Float.nan, .infinity])
  func parametersThatAreNotNumbersAreRefused(parameter: Float) throws {
    let model = try ModelDescription(inputWidth: 2, classes: 1, input: .int8(scale: 1, zeroPoint: 0))
    #expect(throws: ModelError.malformed) { try Frozen(model, [0, parameter, 0]) }
    #expect(throws: ModelError.malformed) { try Frozen(model, [0, 0, parameter]) }
  }

  @Test func scalesThatNoFloatHoldsAreRefused() throws {
    let tiny = try ModelDescription(
      inputWidth: 1, classes: 1, input: .int8(scale: .leastNormalMagnitude, zeroPoint: 0))
    #expect(throws: ModelError.malformed) { try Frozen(tiny, [1, 0]) }
    let huge = try ModelDescription(
      inputWidth: 1, classes: 1, input: .int8(scale: .greatestFiniteMagnitude, zeroPoint: 0))
    #expect(throws: ModelError.malformed) { try Frozen(huge, [1e6, 0]) }
  }
}

/// Output `o` of a ReLU layer of 2 inputs and 24 outputs, on inputs of scale 0.01 around 3.
private func floatFeature(of x: [Int8], _ o: Int, _ parameters: [Float]) -> Float {
  var sum = parameters[48 + o]
  for i in 0..<2 { sum += parameters[2 * o + i] * Float(Int(x[i]) - 3) * 0.01 }
  return max(0, sum)
}

/// A quantised first layer with its numbers.
private struct Frozen {
  let inputs: Int
  let activation: Activation
  let weights: [Int8]
  let biases: [Int32]
  let scales: [Float]

  /// - Parameter model: of one layer on 8-bit inputs.
  init(_ model: ModelDescription, _ parameters: [Float], activation: Activation = .none) throws {
    guard case .int8(let scale, let zeroPoint) = model.input else { throw ModelError.malformed }
    let layer = model.layer(0)
    inputs = layer.inputs
    self.activation = activation
    var weights = [Int8](repeating: 0, count: layer.weightCount)
    var biases = [Int32](repeating: 0, count: layer.outputs)
    var scales = [Float](repeating: 0, count: layer.outputs)
    var w = weights.mutableSpan
    var b = biases.mutableSpan
    var s = scales.mutableSpan
    try FrozenLayer.quantise(
      layer, parameters.span, scale: scale, zeroPoint: zeroPoint, weights: &w, biases: &b, scales: &s)
    self.weights = weights
    self.biases = biases
    self.scales = scales
  }

  func features(of x: [Int8]) throws -> [Float] {
    let layer = try FrozenLayer(
      inputs: inputs, activation: activation, weights: weights.span, biases: biases.span, scales: scales.span)
    var features = [Float](repeating: .nan, count: layer.outputs)
    var room = features.mutableSpan
    try layer.forward(x.span, into: &room)
    return features
  }
}
