public import Datasets
public import TrainingCore

/// How good a model is on some examples.
public struct Score: Sendable, Equatable {
  /// Share of the examples that it gets right, 0…1.
  public let accuracy: Double
  /// Mean cross entropy in nats.
  public let loss: Double
}

extension Dataset {
  /// How the examples come into a model.
  public var inputFormat: InputFormat {
    switch features {
    case .float32: .float32
    case .int8(_, let scale, let zeroPoint): .int8(scale: scale, zeroPoint: zeroPoint)
    }
  }
}

/// Trains on the split `train` of `dataset` with the very code that boards run.
///
/// - Parameters:
///   - parameters: where training starts: `model.parameterCount` values.
/// - Returns: the parameters after `hyperparameters.epochs` passes.
public func train(
  _ model: ModelDescription, _ hyperparameters: Hyperparameters, from parameters: [Float], on dataset: Dataset
) throws(BaselineError) -> [Float] {
  guard parameters.count == model.parameterCount else {
    throw .wrongStart(found: parameters.count, expected: model.parameterCount)
  }
  let examples = dataset.indices(of: .train)
  guard !examples.isEmpty else { throw .nothing("example to train on") }
  let plan = try modelling { () throws(ModelError) in
    try MemoryPlan(training: model, with: hyperparameters, arena: .max)
  }
  var run: TrainingRun
  do { run = try TrainingRun(model, hyperparameters, plan: plan, examples: examples.count) } catch {
    throw .training(error)
  }
  // The parameters come first in the plan.
  var memory = parameters + [Float](repeating: 0, count: plan.total - parameters.count)
  var arena = memory.mutableSpan
  run.begin(arena: &arena)
  let width = dataset.featureWidth
  while let next = run.nextExample {
    let example = examples[next]
    let row = example * width..<(example + 1) * width
    let label = Int(dataset.labels[example])
    let outcome =
      switch dataset.features {
      case .float32(let values): run.train(values.span.extracting(row), label: label, arena: &arena)
      case .int8(let values, _, _): run.train(values.span.extracting(row), label: label, arena: &arena)
      }
    if case .failed(let failure) = outcome { throw .failed(failure) }
  }
  return Array(memory[plan.weights])
}

/// Judges a model by all examples of `dataset`, whatever their split.
///
/// - Parameter parameters: `model.parameterCount` values.
public func evaluate(
  _ model: ModelDescription, _ parameters: [Float], on dataset: Dataset
) throws(BaselineError) -> Score {
  guard parameters.count == model.parameterCount else {
    throw .wrongStart(found: parameters.count, expected: model.parameterCount)
  }
  guard dataset.count > 0 else { throw .nothing("example to judge by") }
  let plan = try modelling { () throws(ModelError) in try MemoryPlan(evaluating: model, arena: .max) }
  var evaluation: Evaluation
  do { evaluation = try Evaluation(model, plan: plan) } catch { throw .training(error) }
  var memory = parameters + [Float](repeating: 0, count: plan.total - parameters.count)
  var arena = memory.mutableSpan
  let width = dataset.featureWidth
  for example in 0..<dataset.count {
    let row = example * width..<(example + 1) * width
    let label = Int(dataset.labels[example])
    let outcome =
      switch dataset.features {
      case .float32(let values): evaluation.evaluate(values.span.extracting(row), label: label, arena: &arena)
      case .int8(let values, _, _):
        evaluation.evaluate(values.span.extracting(row), label: label, arena: &arena)
      }
    if case .failed(let failure) = outcome { throw .failed(failure) }
  }
  return Score(
    accuracy: Double(evaluation.correct) / Double(evaluation.count), loss: Double(evaluation.meanLoss))
}

/// A model's starting parameters, drawn by `seed`.
public func startingParameters(of model: ModelDescription, seed: UInt64) -> [Float] {
  var parameters = [Float](repeating: 0, count: model.parameterCount)
  var span = parameters.mutableSpan
  initialiseWeights(of: model, seed: seed, into: &span)
  return parameters
}

private func modelling<Value>(_ body: () throws(ModelError) -> Value) throws(BaselineError) -> Value {
  do { return try body() } catch { throw .model(error) }
}
