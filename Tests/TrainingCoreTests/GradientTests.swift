import Foundation
import Testing
import TrainingCore

/// The objective in double precision, written down from its definition and nothing else: what the core's
/// steps must be the gradient of.
private struct Objective {
  let model: ModelDescription
  let examples: Examples
  let weightDecay: Double
  let proximal: Double
  let base: [Double]

  func value(_ parameters: [Double], batch: [Int]) -> Double {
    var sum = 0.0
    for index in batch { sum += crossEntropy(parameters, examples.inputs[index], examples.labels[index]) }
    sum /= Double(batch.count)
    var at = 0
    for l in 0..<model.layerCount {
      let weights = parameters[at..<at + model.layer(l).weightCount]
      sum += weightDecay / 2 * weights.reduce(0) { $0 + $1 * $1 }
      at += model.layer(l).parameterCount
    }
    for (w, b) in zip(parameters, base) { sum += proximal / 2 * (w - b) * (w - b) }
    return sum
  }

  private func crossEntropy(_ parameters: [Double], _ x: [Float], _ label: Int) -> Double {
    var values = x.map(Double.init)
    var at = 0
    for l in 0..<model.layerCount {
      let layer = model.layer(l)
      values = (0..<layer.outputs).map { o in
        var sum = parameters[at + layer.weightCount + o]
        for i in 0..<layer.inputs { sum += parameters[at + o * layer.inputs + i] * values[i] }
        return layer.activation == .relu ? max(0, sum) : sum
      }
      at += layer.parameterCount
    }
    let top = values.max() ?? 0
    return log(values.reduce(0) { $0 + exp($1 - top) }) - (values[label] - top)
  }

  func gradient(_ parameters: [Float], batch: [Int]) -> [Double] {
    var moved = parameters.map(Double.init)
    return moved.indices.map { i in
      let centre = moved[i]
      defer { moved[i] = centre }
      let h = 1e-6
      moved[i] = centre + h
      let above = value(moved, batch: batch)
      moved[i] = centre - h
      return (above - value(moved, batch: batch)) / (2 * h)
    }
  }
}

@Suite struct GradientTests {
  private static func model(_ input: Int, _ layers: [(Int, Activation)]) -> ModelDescription {
    var model = try! ModelDescription(inputWidth: input)
    for (outputs, activation) in layers { try! model.append(outputs: outputs, activation: activation) }
    return model
  }

  private static let models = [
    model(5, [(3, .none)]),
    model(4, [(2, .relu)]),
    model(6, [(5, .relu), (3, .none)]),
    model(6, [(4, .none), (3, .none)]),
    model(3, [(4, .relu), (1, .none), (5, .relu), (2, .none), (3, .relu), (4, .none)]),
  ]

  private static let terms: [Hyperparameters] = [
    Hyperparameters(epochs: 3, learningRate: 0.5),
    Hyperparameters(epochs: 3, learningRate: 0.5, weightDecay: 0.3),
    Hyperparameters(epochs: 3, batchSize: 4, learningRate: 0.5),
    Hyperparameters(epochs: 3, batchSize: 4, learningRate: 0.5, momentum: 0.8),
    Hyperparameters(epochs: 3, batchSize: 4, learningRate: 0.5, weightDecay: 0.3),
    Hyperparameters(epochs: 3, batchSize: 1, learningRate: 0.5, proximal: 0.7),
    Hyperparameters(
      epochs: 3, batchSize: 4, learningRate: 0.5, momentum: 0.8, weightDecay: 0.3, proximal: 0.7),
  ]

  /// Follows a run and compares each update, divided by the learning rate, with the velocity that finite
  /// differences give at the same parameters. Six examples: batches of four are followed by a smaller one.
  @Test(arguments: 0..<models.count, 0..<terms.count)
  func everyUpdateIsTheGradientOfTheObjective(modelIndex: Int, termsIndex: Int) throws {
    let model = Self.models[modelIndex]
    var hyperparameters = Self.terms[termsIndex]
    let seed = UInt64(100 * modelIndex + termsIndex)
    hyperparameters.seed = UInt32(seed)
    let examples = Examples.random(6, width: model.inputWidth, classes: model.outputWidth, seed: seed)
    // Biases away from zero, so that the terms that spare them would show.
    var random = SplitMix64(seed: seed)
    let start = (0..<model.parameterCount).map { _ in random.nextSigned() }
    var trainer = try Trainer(model, hyperparameters, examples: 6, parameters: start)
    let objective = Objective(
      model: model, examples: examples, weightDecay: Double(hyperparameters.weightDecay),
      proximal: Double(hyperparameters.proximal), base: start.map(Double.init))

    var velocity = [Double](repeating: 0, count: model.parameterCount)
    var batch: [Int] = []
    var batches = 0
    while let next = trainer.run.nextExample {
      let before = trainer.parameters
      batch.append(next)
      guard case .applied = trainer.step(examples) else {
        #expect(trainer.parameters.bits == before.bits)
        continue
      }
      let gradient = objective.gradient(before, batch: batch)
      let after = trainer.parameters
      for i in velocity.indices {
        velocity[i] = Double(hyperparameters.momentum) * velocity[i] + gradient[i]
        let step = Double(before[i] - after[i]) / Double(hyperparameters.learningRate)
        // Rounding of a weight of about 1 to 24 bits, twice, plus that of the finite differences.
        #expect(abs(step - velocity[i]) < 2e-6, "seed \(seed), batch \(batches), parameter \(i)")
      }
      batch = []
      batches += 1
    }
    #expect(batches == (hyperparameters.batchSize == 1 ? 18 : 6))
  }
}
