/// Why contributions cannot be turned into a model.
public enum AggregationError: Error, Equatable, CustomStringConvertible {
  /// One of them must not be counted.
  case refused(RefusalReason)
  /// There is none, so there is nothing to average.
  case noContributions
  /// Together they were trained on more than ``FederatedAverage/mostExamples`` examples.
  case tooManyExamples
  /// The average is for a model of another size.
  case wrongLength(found: Int, expected: Int)
  /// A parameter of the new model would be infinite or not a number.
  case notFinite(parameter: Int)

  /// A stable name for logs and scripts.
  public var code: String {
    switch self {
    case .refused(let reason): reason.code
    case .noContributions: "average-no-contributions"
    case .tooManyExamples: "average-too-many-examples"
    case .wrongLength: "average-wrong-length"
    case .notFinite: "average-not-finite"
    }
  }

  /// The cause and what helps against it, in one line.
  public var description: String {
    switch self {
    case .refused(let reason):
      reason.description
    case .noContributions:
      "there is no contribution to average; wait for one, or raise the round's deadline"
    case .tooManyExamples:
      "the contributions claim more than \(FederatedAverage.mostExamples) examples; check the boards' counts"
    case .wrongLength(let found, let expected):
      "the average has \(found) parameters, the model \(expected); average updates of this model only"
    case .notFinite(let parameter):
      "parameter \(parameter) of the new model is not finite; lower the server's learning rate"
    }
  }
}
