/// Why a run or an evaluation cannot be set up.
public enum TrainingError: Error, Equatable, Sendable {
  /// A hyperparameter is out of its range.
  case hyperparameters(HyperparameterError)

  /// There is nothing to learn from.
  case noExamples

  /// More than ``EpochOrder/maximumCount`` examples, or examples × epochs exceeds `Int`.
  case tooManyExamples

  /// The plan was made for another model or other hyperparameters.
  case planMismatch
}

/// Training, one example a call, in memory that the caller lends for each call.
///
/// Mini-batch gradient descent on the softmax cross entropy:
///
///     g = mean over the batch of ∇loss + weightDecay · w (weights only) + proximal · (w - base)
///     v = momentum · v + g
///     w = w - learningRate · v
///
/// The learning rate is constant in a run, so the state kept is learningRate · v: each example's gradient
/// is scaled by learningRate / batch size and added straight into it, which saves a copy of the
/// parameters. With batch size 1 and neither momentum nor proximal term it goes straight into the weights;
/// the results have the same bits either way.
///
/// Between calls the arena must keep its contents; anything else may happen there, so training can be cut
/// into slices anywhere. Use: ``begin(arena:)``, then load example ``nextExample`` and give it to
/// `train(_:label:arena:)` until ``nextExample`` is nil. Nothing is allocated.
public struct TrainingRun: Sendable {
  private enum State {
    case idle
    case training
    case finished
    case failed(ExampleFailure)
  }

  /// The model in training.
  public let model: ModelDescription

  /// How it is trained.
  public let hyperparameters: Hyperparameters

  /// Where the parameters and the rest lie in the arena.
  public let plan: MemoryPlan

  /// Number of examples of an epoch.
  public let examples: Int

  /// Index of the example to be given to `train` next; nil before ``begin(arena:)`` and when the run is over.
  public private(set) var nextExample: Int?

  private var state = State.idle
  private var order: EpochOrder
  private var epoch = 0
  private var position = 0
  private var batchFilled = 0
  private var loss = RunningMean()
  private var lastEpochLoss: Float = 0

  /// Prepares a run over examples 0..<`examples`.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - hyperparameters: validated here.
  ///   - plan: `MemoryPlan(training: model, with: hyperparameters, arena: …)`.
  ///   - examples: at least 1.
  public init(
    _ model: ModelDescription, _ hyperparameters: Hyperparameters, plan: MemoryPlan, examples: Int
  ) throws(TrainingError) {
    do throws(HyperparameterError) { try hyperparameters.validate() } catch { throw .hyperparameters(error) }
    guard examples >= 1 else { throw .noExamples }
    let (_, overflow) = examples.multipliedReportingOverflow(by: Int(hyperparameters.epochs))
    guard examples <= EpochOrder.maximumCount, !overflow else { throw .tooManyExamples }
    let wanted = try? MemoryPlan(training: model, with: hyperparameters, arena: plan.total)
    guard plan == wanted else { throw .planMismatch }
    self.model = model
    self.hyperparameters = hyperparameters
    self.plan = plan
    self.examples = examples
    order = EpochOrder(count: examples, seed: hyperparameters.seed, epoch: 0)
  }

  /// Starts over, from the parameters that lie in `arena[plan.weights]`.
  ///
  /// Keeps a copy of them as the proximal term's base if there is one, and stops the momentum. An arena that
  /// is too small makes the run fail (``failure``).
  public mutating func begin(arena: inout MutableSpan<Float>) {
    epoch = 0
    position = 0
    batchFilled = 0
    loss = RunningMean()
    lastEpochLoss = 0
    nextExample = nil
    guard arena.count >= plan.total else {
      state = .failed(.arenaTooSmall(needed: plan.total, available: arena.count))
      return
    }
    let workspace = Workspace(arena._mutatingExtracting(0..<plan.input.lowerBound), plan)
    let weights = readOnly(workspace.weights)
    var base = workspace.base
    var update = workspace.update
    for i in 0..<base.count { base[i] = weights[i] }
    update.update(repeating: 0)
    state = .training
    order = EpochOrder(count: examples, seed: hyperparameters.seed, epoch: 0)
    nextExample = order.example(at: 0)
  }

  /// Why the run ended before its last example, if it did.
  public var failure: ExampleFailure? {
    if case .failed(let failure) = state { failure } else { nil }
  }

  /// Whether all epochs are done.
  public var isFinished: Bool {
    if case .finished = state { true } else { false }
  }

  /// How far the run has come.
  public var progress: TrainingProgress {
    TrainingProgress(
      epoch: epoch, epochs: Int(hyperparameters.epochs), step: epoch * examples + position,
      steps: examples * Int(hyperparameters.epochs), meanLoss: loss.count > 0 ? loss.mean : lastEpochLoss)
  }

  /// Learns from one example of a model of float32 input.
  ///
  /// - Parameters:
  ///   - x: `inputWidth` values.
  ///   - label: its class, in 0..<`outputWidth`.
  ///   - arena: the memory of ``begin(arena:)`` with its contents.
  public mutating func train(
    _ x: Span<Float>, label: Int, arena: inout MutableSpan<Float>
  ) -> StepOutcome {
    if let failure = obstacle(width: x.count, isQuantised: false, label: label, arena: arena.count) {
      return refuse(failure)
    }
    return learn(x, label, Workspace(arena._mutatingExtracting(0..<plan.input.lowerBound), plan))
  }

  /// Learns from one example of a model of int8 input.
  ///
  /// - Parameters:
  ///   - x: `inputWidth` values q that stand for (q - zeroPoint) · scale.
  ///   - label: its class, in 0..<`outputWidth`.
  ///   - arena: the memory of ``begin(arena:)`` with its contents.
  public mutating func train(
    _ x: Span<Int8>, label: Int, arena: inout MutableSpan<Float>
  ) -> StepOutcome {
    if let failure = obstacle(width: x.count, isQuantised: true, label: label, arena: arena.count) {
      return refuse(failure)
    }
    guard case .int8(let scale, let zeroPoint) = model.input else { return refuse(.inputFormat) }
    let parts = DividedSpan(arena._mutatingExtracting(0..<plan.total), at: plan.input.lowerBound)
    let regions = parts.head
    var input = parts.tail
    dequantise(x, scale: scale, zeroPoint: zeroPoint, into: &input)
    return learn(input.span, label, Workspace(regions, plan))
  }

  private func obstacle(width: Int, isQuantised: Bool, label: Int, arena: Int) -> ExampleFailure? {
    guard case .training = state else { return .notTraining }
    guard arena >= plan.total else { return .arenaTooSmall(needed: plan.total, available: arena) }
    return model.obstacle(width: width, isQuantised: isQuantised, label: label)
  }

  private mutating func refuse(_ failure: ExampleFailure) -> StepOutcome {
    if failure != .notTraining {
      state = .failed(failure)
      nextExample = nil
    }
    return .failed(failure)
  }

  private mutating func learn(
    _ x: Span<Float>, _ label: Int, _ workspace: consuming Workspace
  ) -> StepOutcome {
    let base = readOnly(workspace.base)
    var weights = workspace.weights
    var update = workspace.update
    var activations = workspace.activations
    var deltas = workspace.deltas

    forward(model, weights.span, x, into: &activations)
    let classes = model.outputWidth
    var outputDelta = deltas._mutatingExtracting(last: classes)
    let exampleLoss = SoftmaxCrossEntropy.loss(
      activations.span.extracting(last: classes), label: label, delta: &outputDelta)
    guard exampleLoss.isFinite else { return refuse(.lossNotFinite) }

    // Known from its first example on, so that no sum has to be divided later.
    let batch = min(Int(hyperparameters.batchSize), examples - position + batchFilled)
    let descent = BatchUpdate(model, hyperparameters, batch: batch)
    descent.backpropagate(weights.span, activations.span, &deltas)
    if hyperparameters.updatesInPlace {
      descent.descend(&weights, x, activations.span, deltas.span)
    } else {
      if batchFilled == 0 { descent.open(&update) }
      descent.accumulate(&update, x, activations.span, deltas.span)
      if batchFilled + 1 == batch { descent.close(&weights, base: base, &update) }
    }

    loss.add(exampleLoss)
    batchFilled += 1
    let completesBatch = batchFilled == batch
    if completesBatch { batchFilled = 0 }
    advance()
    return completesBatch ? .applied(loss: exampleLoss) : .accumulated(loss: exampleLoss)
  }

  private mutating func advance() {
    position += 1
    if position == examples {
      epoch += 1
      position = 0
      lastEpochLoss = loss.mean
      loss = RunningMean()
      guard epoch < Int(hyperparameters.epochs) else {
        state = .finished
        nextExample = nil
        return
      }
      order = EpochOrder(count: examples, seed: hyperparameters.seed, epoch: UInt32(epoch))
    }
    nextExample = order.example(at: position)
  }
}
