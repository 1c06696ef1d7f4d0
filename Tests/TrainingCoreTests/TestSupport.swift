import Foundation
import TrainingCore

/// The root of the repository.
let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// Examples of one model, all in memory.
struct Examples {
  var inputs: [[Float]]
  var labels: [Int]

  /// Seeded uniform values in [-1, 1) and labels.
  static func random(_ count: Int, width: Int, classes: Int, seed: UInt64) -> Examples {
    var random = SplitMix64(seed: seed)
    let inputs = (0..<count).map { _ in (0..<width).map { _ in random.nextSigned() } }
    let labels = (0..<count).map { _ in Int(random.next() % UInt64(classes)) }
    return Examples(inputs: inputs, labels: labels)
  }
}

/// A run with its arena: what a board's runtime does, in a few lines.
struct Trainer {
  let model: ModelDescription
  let plan: MemoryPlan
  var run: TrainingRun
  var memory: [Float]

  /// - Parameter parameters: the starting point; seeded by the hyperparameters' seed if nil.
  init(
    _ model: ModelDescription, _ hyperparameters: Hyperparameters, examples: Int, parameters: [Float]? = nil
  ) throws {
    self.model = model
    plan = try MemoryPlan(training: model, with: hyperparameters, arena: .max)
    run = try TrainingRun(model, hyperparameters, plan: plan, examples: examples)
    // What lies in the arena before must not matter.
    memory = [Float](repeating: .nan, count: plan.total)
    let start = parameters ?? initialParameters(of: model, seed: UInt64(hyperparameters.seed))
    memory.replaceSubrange(plan.weights, with: start)
    begin()
  }

  var parameters: [Float] { Array(memory[plan.weights]) }

  mutating func begin() {
    withArena { run, arena in run.begin(arena: &arena) }
  }

  mutating func train(_ x: [Float], _ label: Int) -> StepOutcome {
    withArena { run, arena in run.train(x.span, label: label, arena: &arena) }
  }

  mutating func train(_ x: [Int8], _ label: Int) -> StepOutcome {
    withArena { run, arena in run.train(x.span, label: label, arena: &arena) }
  }

  private mutating func withArena<Result>(
    _ body: (inout TrainingRun, inout MutableSpan<Float>) -> Result
  ) -> Result {
    // Out of the structure for the while, as a span of it would keep the run from changing.
    var lent: [Float] = []
    swap(&lent, &memory)
    var arena = lent.mutableSpan
    let result = body(&run, &arena)
    swap(&lent, &memory)
    return result
  }

  /// One example of `examples`, the one that the run asks for; nil when it asks for none.
  mutating func step(_ examples: Examples) -> StepOutcome? {
    guard let next = run.nextExample else { return nil }
    return train(examples.inputs[next], examples.labels[next])
  }

  /// To the end of the run; the outcomes in order.
  @discardableResult mutating func finish(_ examples: Examples) -> [StepOutcome] {
    var outcomes: [StepOutcome] = []
    while let outcome = step(examples) { outcomes.append(outcome) }
    return outcomes
  }
}

/// Seeded starting parameters.
func initialParameters(of model: ModelDescription, seed: UInt64) -> [Float] {
  var parameters = [Float](repeating: .nan, count: model.parameterCount)
  var span = parameters.mutableSpan
  initialiseWeights(of: model, seed: seed, into: &span)
  return parameters
}

/// Accuracy and mean loss of `parameters` over `examples`.
func evaluate(_ model: ModelDescription, _ parameters: [Float], _ examples: Examples) throws -> Evaluation {
  let plan = try MemoryPlan(evaluating: model, arena: .max)
  var memory = [Float](repeating: .nan, count: plan.total)
  memory.replaceSubrange(plan.weights, with: parameters)
  var evaluation = try Evaluation(model, plan: plan)
  for (x, label) in zip(examples.inputs, examples.labels) {
    var arena = memory.mutableSpan
    _ = evaluation.evaluate(x.span, label: label, arena: &arena)
  }
  return evaluation
}

extension ModelDescription {
  /// A stack from layer widths, first to last, and one activation for all hidden layers.
  init(_ inputWidth: Int, _ widths: [Int], hidden: Activation = .relu, input: InputFormat = .float32)
    throws(ModelError)
  {
    try self.init(inputWidth: inputWidth, input: input)
    for (i, width) in widths.enumerated() {
      try append(outputs: width, activation: i + 1 < widths.count ? hidden : .none)
    }
  }
}

extension [Float] {
  /// The bits, so that comparing tells +0 from -0 and one NaN from another.
  var bits: [UInt32] { map(\.bitPattern) }
}
