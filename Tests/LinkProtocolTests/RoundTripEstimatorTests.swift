import Testing

@testable import LinkProtocol

/// RFC 6298, in microseconds.
@Suite struct RoundTripEstimatorTests {
  @Test func beforeAnythingWasMeasuredTheTimeoutIsTheInitialOne() {
    let estimator = RoundTripEstimator()
    #expect(estimator.timeout == 250_000)
    #expect(estimator.smoothed == 0)
  }

  @Test func theFirstSampleIsTheEstimateAndHalfOfItTheVariation() {
    // §2.2: SRTT = R, RTTVAR = R / 2, RTO = SRTT + 4 RTTVAR.
    var estimator = RoundTripEstimator()
    estimator.measured(100_000)
    #expect(estimator.smoothed == 100_000)
    #expect(estimator.timeout == 300_000)
  }

  @Test func furtherSamplesCountOneEighthAndTheirDeviationOneQuarter() {
    // §2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT − R'|, then SRTT = 7/8 SRTT + 1/8 R'.
    var estimator = RoundTripEstimator()
    estimator.measured(100_000)
    estimator.measured(180_000)
    #expect(estimator.smoothed == 110_000)
    #expect(estimator.timeout == 110_000 + 4 * 57_500)
    estimator.measured(110_000)
    #expect(estimator.smoothed == 110_000)
    #expect(estimator.timeout == 110_000 + 4 * 43_125)
  }

  @Test func eachTimeoutDoublesUpToTheBoundUntilSomethingIsMeasured() {
    var estimator = RoundTripEstimator()
    estimator.measured(40_000)
    var timeouts: [UInt64] = []
    for _ in 0..<8 {
      timeouts.append(estimator.timeout)
      estimator.timedOut()
    }
    #expect(
      timeouts == [
        120_000, 240_000, 480_000, 960_000, 1_920_000, 2_000_000, 2_000_000, 2_000_000,
      ])
    estimator.measured(40_000)
    #expect(estimator.timeout < 120_000)
    estimator.timedOut()
    estimator.heardFromReceiver()
    #expect(estimator.timeout < 120_000)
  }

  @Test func theTimeoutStaysWithinItsBoundsWhateverIsMeasured() {
    for samples in [[0, 0, 0], [1, 1, 1], [3_600_000_000, 0], [5, 3_600_000_000, 7]] as [[UInt64]] {
      var estimator = RoundTripEstimator()
      for sample in samples {
        estimator.measured(sample)
        #expect(estimator.smoothed >= 1)
        #expect((30_000...2_000_000).contains(estimator.timeout))
      }
    }
  }

  @Test func aSteadyLinkIsLearntAfterAWildStart() {
    var estimator = RoundTripEstimator()
    estimator.measured(2_000_000)
    for _ in 0..<100 { estimator.measured(20_000) }
    #expect((20_000...20_100).contains(estimator.smoothed))
    #expect(estimator.timeout == RoundTripEstimator.minimumTimeout)
  }
}
