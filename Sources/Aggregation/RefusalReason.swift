/// Why a contribution is not counted.
public enum RefusalReason: Sendable, Equatable, CustomStringConvertible {
  /// It is for a model of another size.
  case wrongLength(found: Int, expected: Int)
  /// The board trained on nothing, so its weight would be 0.
  case noExamples
  /// A parameter is infinite or not a number: the training diverged or the update is damaged.
  case notFinite(parameter: Int)
  /// A parameter changed by more than any training can mean.
  case changeTooLarge(parameter: Int, change: Float)
  /// The whole update is larger than what is believed.
  case normTooLarge(norm: Float, bound: Float)

  /// A stable name for logs and scripts.
  public var code: String {
    switch self {
    case .wrongLength: "update-wrong-length"
    case .noExamples: "update-no-examples"
    case .notFinite: "update-not-finite"
    case .changeTooLarge: "update-change-too-large"
    case .normTooLarge: "update-norm-too-large"
    }
  }

  /// The cause and what helps against it, in one line.
  public var description: String {
    switch self {
    case .wrongLength(let found, let expected):
      "the update has \(found) parameters, the model \(expected); the board must fetch the current model"
    case .noExamples:
      "the board trained on no example; give it examples"
    case .notFinite(let parameter):
      "parameter \(parameter) of the update is not finite; lower the learning rate"
    case .changeTooLarge(let parameter, let change):
      "parameter \(parameter) changed by \(change), more than \(FederatedAverage.largestChange); "
        + "lower the learning rate"
    case .normTooLarge(let norm, let bound):
      "the update's norm \(norm) is above the bound \(bound); lower the learning rate or raise the bound"
    }
  }
}
