import Aggregation
import PropertyTesting
import Testing

@Suite struct FederatedAverageTests {
  @Test func eachBoardWeighsAsManyAsItsExamples() throws {
    let average = try federatedAverage([
      Contribution(examples: 1, delta: [1, 0, -4]), Contribution(examples: 3, delta: [5, 0, 4]),
    ])
    #expect(average == [4, 0, 2])
  }

  @Test func oneContributionIsItsOwnAverageAndSoAreEqualOnes() throws {
    let delta: [Float] = [0.1, -1.0 / 3, 3e-9, 65_536, -0.0]
    #expect(try federatedAverage([Contribution(examples: 7, delta: delta)]) == delta)
    let equal = [1, 4_000_000_000, 17, 359].map { Contribution(examples: $0, delta: delta) }
    #expect(try federatedAverage(equal) == delta)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func theOrderOfArrivalChangesNoBit(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let parameters = Int.random(in: 1...40, using: &random)
    var contributions = (0..<Int.random(in: 1...30, using: &random)).map { _ in
      Contribution(
        examples: UInt32.random(in: 1...100_000, using: &random),
        delta: (0..<parameters).map { _ in
          // Magnitudes from 2⁻⁶⁰ to 2¹⁵: sums of floats would depend on the order at once.
          Float.random(in: -1...1, using: &random)
            * Float(sign: .plus, exponent: Int.random(in: -60...15, using: &random), significand: 1)
        })
    }
    let first = try federatedAverage(contributions)
    for _ in 0..<5 {
      contributions.shuffle(using: &random)
      #expect(try federatedAverage(contributions).map(\.bitPattern) == first.map(\.bitPattern))
    }
    // And it is the mean: compared with sums in Double.
    let total = contributions.reduce(0) { $0 + Double($1.examples) }
    for i in 0..<parameters {
      let magnitude =
        contributions.reduce(0) { $0 + Double($1.examples) * Double($1.delta[i].magnitude) } / total
      let mean = contributions.reduce(0) { $0 + Double($1.examples) * Double($1.delta[i]) } / total
      #expect(abs(Double(first[i]) - mean) <= magnitude * 0x1p-24 + 0x1p-64)
    }
  }

  @Test func streamingGivesWhatAveragingAtOnceGives() throws {
    let contributions = (1...500).map { board in
      Contribution(examples: UInt32(board), delta: (0..<20).map { Float(board * $0) / 977 })
    }
    var streaming = FederatedAverage(parameterCount: 20)
    for contribution in contributions.reversed() { try streaming.add(contribution) }
    #expect(streaming.contributions == 500)
    #expect(streaming.examples == 125_250)
    #expect(try streaming.average() == federatedAverage(contributions))
  }

  @Test func aRefusedContributionLeavesTheAverageAsItWas() throws {
    var average = FederatedAverage(parameterCount: 2)
    try average.add(Contribution(examples: 10, delta: [1, 2]))
    #expect(throws: AggregationError.refused(.notFinite(parameter: 1))) {
      try average.add(Contribution(examples: 10, delta: [5, .nan]))
    }
    #expect(throws: AggregationError.refused(.wrongLength(found: 1, expected: 2))) {
      try average.add(Contribution(examples: 10, delta: [5]))
    }
    #expect(throws: AggregationError.refused(.noExamples)) {
      try average.add(Contribution(examples: 0, delta: [5, 5]))
    }
    #expect(average.contributions == 1)
    #expect(try average.average() == [1, 2])
  }

  @Test func theLargestSumsFit() throws {
    var average = FederatedAverage(parameterCount: 2)
    let largest = Contribution(
      examples: .max, delta: [FederatedAverage.largestChange, -FederatedAverage.largestChange])
    for _ in 0..<256 { try average.add(largest) }
    #expect(throws: AggregationError.tooManyExamples) { try average.add(largest) }
    #expect(try average.average() == largest.delta)
  }

  @Test func nothingHasNoAverage() {
    #expect(throws: AggregationError.noContributions) { try federatedAverage([]) }
    #expect(throws: AggregationError.noContributions) { try FederatedAverage(parameterCount: 3).average() }
  }
}
