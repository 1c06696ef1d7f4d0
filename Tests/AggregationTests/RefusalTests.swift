import Aggregation
import Testing

@Suite struct RefusalTests {
  func refusal(_ delta: [Float], examples: UInt32 = 10, bound: Float = 10) -> RefusalReason? {
    Contribution(examples: examples, delta: delta).refusal(parameterCount: 2, normBound: bound)
  }

  @Test func aSoundUpdateIsNotRefused() {
    #expect(refusal([3, -4]) == nil)
    #expect(refusal([0, 0]) == nil)
  }

  @Test func anUpdateOfAnotherSizeIsRefused() {
    #expect(refusal([1]) == .wrongLength(found: 1, expected: 2))
    #expect(refusal([]) == .wrongLength(found: 0, expected: 2))
  }

  @Test func anUpdateFromNoExamplesIsRefused() {
    #expect(refusal([1, 1], examples: 0) == .noExamples)
  }

  @Test(arguments: [Float.nan, .signalingNaN, .infinity, -.infinity])
  func anUpdateThatIsNotFiniteIsRefused(value: Float) {
    #expect(refusal([0, value]) == .notFinite(parameter: 1))
  }

  @Test func theNormBoundIsInclusiveAndAppliesToTheWholeUpdate() {
    #expect(refusal([3, -4], bound: 5) == nil)
    #expect(refusal([3, -4], bound: 4.999) == .normTooLarge(norm: 5, bound: 4.999))
    #expect(refusal([60_000, 60_000], bound: .infinity) == nil)
    #expect(refusal([0, -65_537], bound: .infinity) == .changeTooLarge(parameter: 1, change: -65_537))
  }

  @Test func aBoundThatIsNotANumberRefuses() {
    #expect(refusal([1, 1], bound: .nan) != nil)
  }

  @Test func everyReasonSaysCauseAndRemedy() {
    let reasons: [RefusalReason] = [
      .wrongLength(found: 1, expected: 2), .noExamples, .notFinite(parameter: 3),
      .changeTooLarge(parameter: 4, change: 1e9), .normTooLarge(norm: 7, bound: 5),
    ]
    for reason in reasons { #expect(reason.description.contains("; ")) }
    #expect(Set(reasons.map(\.code)).count == reasons.count)
    #expect(AggregationError.refused(.noExamples).description == RefusalReason.noExamples.description)
  }
}

@Suite struct ServerStepTests {
  @Test func theNextModelIsTheBasePlusTheAverage() throws {
    #expect(try apply(base: [1, 2], average: [0.5, -1]) == [1.5, 1])
    #expect(try apply(base: [1, 2], average: [0.5, -1], serverLearningRate: 0.5) == [1.25, 1.5])
  }

  @Test func aModelOfAnotherSizeOrNoNumberIsAnError() {
    #expect(throws: AggregationError.wrongLength(found: 1, expected: 2)) {
      try apply(base: [1, 2], average: [1])
    }
    #expect(throws: AggregationError.notFinite(parameter: 0)) {
      try apply(base: [3e38, 2], average: [3e38, 0])
    }
  }
}
