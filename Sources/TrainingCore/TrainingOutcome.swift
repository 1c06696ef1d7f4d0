/// Why an example was not learnt from or scored.
public enum ExampleFailure: Error, Equatable, Sendable {
  /// The label is no class of the model.
  case labelOutOfRange(label: Int, classes: Int)

  /// The example has another number of values than the model's input.
  case inputWidth(got: Int, expected: Int)

  /// Floats were given to a model of int8 input, or the other way round.
  case inputFormat

  /// The arena is smaller than the plan that it was lent for.
  case arenaTooSmall(needed: Int, available: Int)

  /// The loss is infinite or not a number: the parameters, the example or the learning rate are too large.
  case lossNotFinite

  /// The run was not begun, is finished, or has failed before.
  case notTraining
}

/// What one example did to a run.
public enum StepOutcome: Equatable, Sendable {
  /// Its gradient was added to the batch's.
  case accumulated(loss: Float)

  /// It completed a batch; the parameters have changed.
  case applied(loss: Float)

  /// Nothing was learnt from it. Unless the run was not training, it is over (``TrainingRun/failure``), and
  /// the parameters are those after the last batch that was applied.
  case failed(ExampleFailure)

  /// The example's loss before the step, if it was learnt from.
  public var loss: Float? {
    switch self {
    case .accumulated(let loss), .applied(let loss): loss
    case .failed: nil
    }
  }
}

/// How far a run has come.
public struct TrainingProgress: Equatable, Sendable {
  /// Epochs that are complete.
  public let epoch: Int

  /// Epochs of the whole run.
  public let epochs: Int

  /// Examples that were learnt from, over all epochs.
  public let step: Int

  /// Examples of the whole run: examples × epochs.
  public let steps: Int

  /// Mean loss over the examples of the current epoch so far, or of the last one if none was taken yet; 0
  /// before the first example.
  public let meanLoss: Float
}

/// A mean that takes one value after the other and stays accurate over many (Welford 1962).
struct RunningMean: Sendable {
  private(set) var count = 0
  private(set) var mean: Float = 0

  mutating func add(_ value: Float) {
    count += 1
    mean += (value - mean) / Float(count)
  }
}
