/// One board's update in one round: what its training changed, and on how many examples.
public struct Contribution: Sendable, Equatable {
  /// How many examples the board trained on; its weight in the average.
  public var examples: UInt32
  /// Trained parameters − parameters that the round started from, in the order of the model.
  public var delta: [Float]

  /// A contribution; whether it may be counted is what ``refusal(parameterCount:normBound:)`` says.
  public init(examples: UInt32, delta: [Float]) {
    self.examples = examples
    self.delta = delta
  }

  /// Why this contribution must not be counted, or nil if it may be.
  ///
  /// - Parameters:
  ///   - parameterCount: how many parameters the round's model has.
  ///   - normBound: the largest Euclidean norm of a delta that is believed; `.infinity` believes any.
  public func refusal(parameterCount: Int, normBound: Float) -> RefusalReason? {
    guard delta.count == parameterCount else {
      return .wrongLength(found: delta.count, expected: parameterCount)
    }
    guard examples > 0 else { return .noExamples }
    var squares = 0.0
    for (i, value) in delta.enumerated() {
      guard value.isFinite else { return .notFinite(parameter: i) }
      guard value.magnitude <= FederatedAverage.largestChange else {
        return .changeTooLarge(parameter: i, change: value)
      }
      squares += Double(value) * Double(value)
    }
    let norm = squares.squareRoot()
    // Written so that a bound that is not a number refuses.
    guard norm <= Double(normBound) else { return .normTooLarge(norm: Float(norm), bound: normBound) }
    return nil
  }
}
