/// How a model did on held-out examples, in a form that adds up over boards.
public struct EvaluationReport: Hashable, Sendable {
  /// Number of examples looked at.
  public let count: Int
  /// How many of them were classified right, 0…``count``.
  public let correct: Int
  /// Sum (not mean) of the losses of the examples.
  public let lossSum: Double

  /// Makes one board's report.
  ///
  /// - Returns: nil unless 0 ≤ `correct` ≤ `count` ≤ 2³² − 1 and the sum of the losses is finite.
  public init?(count: Int, correct: Int, lossSum: Double) {
    guard count >= 0, count <= Int(UInt32.max), correct >= 0, correct <= count, lossSum.isFinite else {
      return nil
    }
    self.init(checkedCount: count, correct: correct, lossSum: lossSum)
  }

  private init(checkedCount: Int, correct: Int, lossSum: Double) {
    count = checkedCount
    self.correct = correct
    self.lossSum = lossSum
  }

  /// A report about no example.
  public static let empty = EvaluationReport(checkedCount: 0, correct: 0, lossSum: 0)

  /// Part of the examples classified right, 0…1; nil without examples.
  public var accuracy: Double? { count == 0 ? nil : Double(correct) / Double(count) }

  /// Mean loss of an example; nil without examples.
  public var loss: Double? { count == 0 ? nil : lossSum / Double(count) }

  /// The report about the examples of both. 2³¹ reports of the largest kind fit.
  public static func + (left: EvaluationReport, right: EvaluationReport) -> EvaluationReport {
    EvaluationReport(
      checkedCount: left.count + right.count, correct: left.correct + right.correct,
      lossSum: left.lossSum + right.lossSum)
  }
}
