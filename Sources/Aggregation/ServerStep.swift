/// The next model: base + serverLearningRate × average (Reddi et al. 2021, arXiv:2003.00295, where a rate of 1
/// is plain Federated Averaging).
///
/// - Parameters:
///   - base: the parameters that the round started from.
///   - average: the averaged delta, of the same length.
///   - serverLearningRate: finite; 1 unless there is a reason.
/// - Throws: ``AggregationError/wrongLength(found:expected:)`` or ``AggregationError/notFinite(parameter:)``.
public func apply(
  base: [Float], average: [Float], serverLearningRate: Float = 1
) throws(AggregationError) -> [Float] {
  guard average.count == base.count else {
    throw .wrongLength(found: average.count, expected: base.count)
  }
  var next = base
  for i in next.indices {
    next[i] += serverLearningRate * average[i]
    guard next[i].isFinite else { throw .notFinite(parameter: i) }
  }
  return next
}
