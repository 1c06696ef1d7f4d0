public import TrainingCore

/// Why a model cannot be trained or judged on a data set.
public enum BaselineError: Error, Equatable, CustomStringConvertible {
  /// The model cannot be described or is too large.
  case model(ModelError)
  /// The training cannot be set up.
  case training(TrainingError)
  /// Training stopped at an example, mostly because the loss grew out of bounds.
  case failed(ExampleFailure)
  /// There is no board, or nothing to train on or to judge by.
  case nothing(String)
  /// The starting parameters are of another model.
  case wrongStart(found: Int, expected: Int)

  /// The cause and what helps against it, in one line.
  public var description: String {
    switch self {
    case .model(let error):
      "the model is not usable (\(error)); choose other layer widths"
    case .training(let error):
      "the training cannot begin (\(error)); correct the hyperparameters"
    case .failed(.lossNotFinite):
      "the loss grew out of bounds; lower the learning rate"
    case .failed(let failure):
      "an example does not fit the model (\(failure)); train a model made for this data set"
    case .nothing(let what):
      "there is no \(what); divide a data set that has some"
    case .wrongStart(let found, let expected):
      "the starting parameters are \(found), the model has \(expected); start from this model's parameters"
    }
  }
}
