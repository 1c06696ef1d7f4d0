import TrainingCore

/// Room for the features of one example, in whichever form the board's examples have.
struct ExampleFeatures {
  private var floats: [Float] = []
  private var quantised: [Int8] = []

  init(width: Int, input: InputFormat) {
    switch input {
    case .float32: floats = [Float](repeating: 0, count: width)
    case .int8: quantised = [Int8](repeating: 0, count: width)
    }
  }

  /// Loads an example and trains on it; nil if it cannot be read.
  static func train<Examples: ExampleStore>(
    _ run: inout TrainingRun, on index: Int, of examples: inout Examples, through room: inout Self,
    arena: inout [Float]
  ) -> StepOutcome? {
    switch run.model.input {
    case .float32:
      var features = room.floats.mutableSpan
      guard let label = examples.load(index, of: .training, into: &features) else { return nil }
      var memory = arena.mutableSpan
      return run.train(room.floats.span, label: label, arena: &memory)
    case .int8:
      var features = room.quantised.mutableSpan
      guard let label = examples.load(index, of: .training, into: &features) else { return nil }
      var memory = arena.mutableSpan
      return run.train(room.quantised.span, label: label, arena: &memory)
    }
  }

  /// Loads a held-out example and evaluates the model on it; nil if it cannot be read.
  static func evaluate<Examples: ExampleStore>(
    _ evaluation: inout Evaluation, on index: Int, of examples: inout Examples, through room: inout Self,
    arena: inout [Float]
  ) -> EvaluationOutcome? {
    switch evaluation.model.input {
    case .float32:
      var features = room.floats.mutableSpan
      guard let label = examples.load(index, of: .heldOut, into: &features) else { return nil }
      var memory = arena.mutableSpan
      return evaluation.evaluate(room.floats.span, label: label, arena: &memory)
    case .int8:
      var features = room.quantised.mutableSpan
      guard let label = examples.load(index, of: .heldOut, into: &features) else { return nil }
      var memory = arena.mutableSpan
      return evaluation.evaluate(room.quantised.span, label: label, arena: &memory)
    }
  }
}
