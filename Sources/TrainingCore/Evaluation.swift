/// What one example added to an evaluation.
public enum EvaluationOutcome: Equatable, Sendable {
  /// It was counted. A loss that is not finite makes the mean not finite too.
  case scored(prediction: Int, loss: Float)

  /// It was not counted.
  case failed(ExampleFailure)
}

/// Loss, accuracy and, if asked for, confusion of a model over examples given one at a time.
///
/// The parameters lie in `arena[plan.weights]`; they are not changed. Nothing is allocated.
public struct Evaluation: Sendable {
  /// The model that is evaluated.
  public let model: ModelDescription

  /// Where the parameters and the rest lie in the arena.
  public let plan: MemoryPlan

  /// Examples counted.
  public private(set) var count = 0

  /// Examples whose prediction was their label.
  public private(set) var correct = 0

  private var loss = RunningMean()

  /// Starts at nothing counted.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - plan: `MemoryPlan(evaluating: model, arena: …)`; one for training does as well.
  /// - Throws: ``TrainingError/planMismatch``.
  public init(_ model: ModelDescription, plan: MemoryPlan) throws(TrainingError) {
    guard let least = try? MemoryPlan(evaluating: model, arena: plan.total),
      plan.weights == least.weights, plan.activations.count == least.activations.count,
      plan.input.count == least.input.count
    else { throw .planMismatch }
    self.model = model
    self.plan = plan
  }

  /// Mean loss of the examples counted, in nats; 0 if there are none.
  public var meanLoss: Float { loss.mean }

  /// Share of the examples counted that was predicted right, 0…1; 0 if there are none.
  public var accuracy: Float { count == 0 ? 0 : Float(correct) / Float(count) }

  /// Scores one example of a model of float32 input.
  public mutating func evaluate(
    _ x: Span<Float>, label: Int, arena: inout MutableSpan<Float>
  ) -> EvaluationOutcome {
    if let failure = obstacle(width: x.count, isQuantised: false, label: label, arena: arena.count) {
      return .failed(failure)
    }
    return score(x, label, Workspace(arena._mutatingExtracting(0..<plan.input.lowerBound), plan))
  }

  /// Scores one example of a model of int8 input.
  public mutating func evaluate(
    _ x: Span<Int8>, label: Int, arena: inout MutableSpan<Float>
  ) -> EvaluationOutcome {
    if let failure = obstacle(width: x.count, isQuantised: true, label: label, arena: arena.count) {
      return .failed(failure)
    }
    guard case .int8(let scale, let zeroPoint) = model.input else { return .failed(.inputFormat) }
    let parts = DividedSpan(arena._mutatingExtracting(0..<plan.total), at: plan.input.lowerBound)
    let regions = parts.head
    var input = parts.tail
    dequantise(x, scale: scale, zeroPoint: zeroPoint, into: &input)
    return score(input.span, label, Workspace(regions, plan))
  }

  /// Scores one example of a model of float32 input and adds it to a confusion matrix.
  ///
  /// - Parameter confusion: classes × classes counts, row-major as [label][prediction], kept by the caller; one
  ///   of another size is left as it is.
  public mutating func evaluate(
    _ x: Span<Float>, label: Int, arena: inout MutableSpan<Float>, confusion: inout MutableSpan<UInt32>
  ) -> EvaluationOutcome {
    let outcome = evaluate(x, label: label, arena: &arena)
    note(outcome, label, &confusion)
    return outcome
  }

  /// Scores one example of a model of int8 input and adds it to a confusion matrix.
  ///
  /// - Parameter confusion: classes × classes counts, row-major as [label][prediction], kept by the caller; one
  ///   of another size is left as it is.
  public mutating func evaluate(
    _ x: Span<Int8>, label: Int, arena: inout MutableSpan<Float>, confusion: inout MutableSpan<UInt32>
  ) -> EvaluationOutcome {
    let outcome = evaluate(x, label: label, arena: &arena)
    note(outcome, label, &confusion)
    return outcome
  }

  private func obstacle(width: Int, isQuantised: Bool, label: Int, arena: Int) -> ExampleFailure? {
    guard arena >= plan.total else { return .arenaTooSmall(needed: plan.total, available: arena) }
    return model.obstacle(width: width, isQuantised: isQuantised, label: label)
  }

  private mutating func score(
    _ x: Span<Float>, _ label: Int, _ workspace: consuming Workspace
  ) -> EvaluationOutcome {
    let weights = readOnly(workspace.weights)
    var activations = workspace.activations
    forward(model, weights, x, into: &activations)
    let logits = activations.span.extracting(last: model.outputWidth)
    let exampleLoss = SoftmaxCrossEntropy.loss(logits, label: label)
    let prediction = SoftmaxCrossEntropy.prediction(logits)
    count += 1
    // What a model answers whose logits are not numbers is not right, even where it happens to be the label.
    if prediction == label && exampleLoss.isFinite { correct += 1 }
    loss.add(exampleLoss)
    return .scored(prediction: prediction, loss: exampleLoss)
  }

  private func note(_ outcome: EvaluationOutcome, _ label: Int, _ confusion: inout MutableSpan<UInt32>) {
    let classes = model.outputWidth
    guard case .scored(let prediction, _) = outcome, confusion.count == classes * classes else { return }
    confusion[label * classes + prediction] &+= 1
  }
}
