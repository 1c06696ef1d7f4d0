/// Federated Averaging (McMahan et al. 2017, arXiv:1602.05629, algorithm 1) as a running sum: the mean of the
/// boards' deltas, each weighted by its number of examples.
///
/// The sums are integers, multiples of 2⁻⁶⁴, so the order of the additions cannot matter: whichever board
/// answers first, and after whatever restart, the average has the same bits. A delta's value is rounded to such
/// a multiple when it is added, which changes nothing from 2⁻⁴¹ up and at most 2⁻⁶⁵ below that. It takes 16
/// bytes a parameter however many boards contribute.
public struct FederatedAverage: Sendable {
  /// The largest change of one parameter that can be added: 65,536.
  public static let largestChange: Float = 0x1p16
  /// The most examples in all: 2⁴⁰. With ``largestChange`` it keeps every sum below 2¹²⁰.
  public static let mostExamples: UInt64 = 1 << 40

  private var sums: [Int128]
  /// How many examples all contributions together were trained on.
  public private(set) var examples: UInt64 = 0
  /// How many contributions were added.
  public private(set) var contributions = 0

  /// An average of nothing yet.
  ///
  /// - Parameter parameterCount: how many parameters the model has, ≥ 0.
  public init(parameterCount: Int) {
    sums = [Int128](repeating: 0, count: parameterCount)
  }

  /// Adds a contribution, or throws and leaves everything as it was.
  ///
  /// - Throws: ``AggregationError/refused(_:)`` or ``AggregationError/tooManyExamples``.
  public mutating func add(_ contribution: Contribution) throws(AggregationError) {
    if let reason = contribution.refusal(parameterCount: sums.count, normBound: .infinity) {
      throw .refused(reason)
    }
    let weight = contribution.examples
    guard examples + UInt64(weight) <= Self.mostExamples else { throw .tooManyExamples }
    for i in sums.indices { sums[i] += Self.fixedPoint(contribution.delta[i]) * Int128(weight) }
    examples += UInt64(weight)
    contributions += 1
  }

  /// The weighted mean of what was added so far, one value for each parameter.
  ///
  /// - Throws: ``AggregationError/noContributions``.
  public func average() throws(AggregationError) -> [Float] {
    guard examples > 0 else { throw .noContributions }
    let divisor = Double(examples)
    return sums.map { Float(Double($0) / divisor * 0x1p-64) }
  }

  /// value × 2⁶⁴, rounded to the nearest integer, ties to even; |value| ≤ ``largestChange``.
  static func fixedPoint(_ value: Float) -> Int128 {
    // Scaling by a power of two is exact in Double, whose exponents reach far beyond Float's.
    Int128((Double(value) * 0x1p64).rounded(.toNearestOrEven))
  }
}

/// The weighted mean of the contributions' deltas; the same bits in whatever order they come.
///
/// - Throws: ``AggregationError``; a contribution of another length than the first one's is refused.
public func federatedAverage(_ contributions: [Contribution]) throws(AggregationError) -> [Float] {
  var average = FederatedAverage(parameterCount: contributions.first?.delta.count ?? 0)
  for contribution in contributions { try average.add(contribution) }
  return try average.average()
}
