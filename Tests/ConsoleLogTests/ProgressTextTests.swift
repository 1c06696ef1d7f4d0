import ConsoleLog
import Testing

@Suite struct ProgressTextTests {
  @Test func bytesAreExactBelowAMillionAndNeverRoundedUp() {
    let known = [
      (0, "0 B"), (999, "999 B"), (1000, "1,000 B"), (65_412, "65,412 B"), (999_999, "999,999 B"),
      (1_000_000, "1.0 MB"), (1_299_999, "1.2 MB"), (999_999_999, "999.9 MB"), (1_000_000_000, "1.0 GB"),
      (Int.max, "9.2 EB"), (-1, "–"), (Int.min, "–"),
    ]
    for (count, text) in known { #expect(ProgressText.bytes(count) == text) }
  }

  @Test func ratesHaveTwoOrThreeDigits() {
    let known: [(Double, String)] = [
      (0, "0 B/s"), (950.4, "950 B/s"), (999.7, "1.0 kB/s"), (9_949, "9.9 kB/s"), (81_300, "81 kB/s"),
      (1_230_000, "1.2 MB/s"), (2.5e12, "2.5 TB/s"), (1e300, "–"), (.nan, "–"), (.infinity, "–"), (-1, "–"),
    ]
    for (rate, text) in known { #expect(ProgressText.rate(bytesPerSecond: rate) == text) }
  }

  @Test func durationsGrowTheirUnits() {
    let known: [(Double, String)] = [
      (0, "0 ms"), (0.042, "42 ms"), (0.0996, "0.10 s"), (0.11, "0.11 s"), (0.996, "1.0 s"), (7.34, "7.3 s"),
      (9.96, "10 s"), (48, "48 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (11_520, "3 h 12 min"),
      (446_400, "5 d 4 h"), (1e18, "–"), (.nan, "–"), (.infinity, "–"), (-0.1, "–"),
    ]
    for (seconds, text) in known { #expect(ProgressText.duration(seconds: seconds) == text, "\(seconds)") }
  }

  @Test func theRemainingTimeIsUnknownWhileNothingMoves() {
    #expect(ProgressText.eta(remaining: 7_731, bytesPerSecond: 81_000) == "95 ms")
    #expect(ProgressText.eta(remaining: 1, bytesPerSecond: 0) == "–")
    #expect(ProgressText.eta(remaining: 1, bytesPerSecond: .nan) == "–")
    #expect(ProgressText.eta(remaining: 0, bytesPerSecond: 0) == "0 ms")
    #expect(ProgressText.eta(remaining: .max, bytesPerSecond: .leastNonzeroMagnitude) == "–")
  }

  @Test func aHundredPercentAndAFullBarMeanAllOfIt() {
    let known = [
      (0, 10_301, "0 %"), (2570, 10_301, "24 %"), (10_300, 10_301, "99 %"), (10_301, 10_301, "100 %"),
      (5, 0, "100 %"), (-3, 10, "0 %"), (30, 10, "100 %"), (Int.max - 1, Int.max, "99 %"),
      (Int.max, Int.max, "100 %"),
    ]
    for (part, whole, text) in known { #expect(ProgressText.percent(part, of: whole) == text) }
    #expect(ProgressText.bar(fraction: 0.5, width: 10) == "█████░░░░░")
    #expect(ProgressText.bar(fraction: 0.999, width: 4) == "███░")
    #expect(ProgressText.bar(fraction: 1, width: 4) == "████")
    for odd in [Double.nan, -1, -Double.infinity] {
      #expect(ProgressText.bar(fraction: odd, width: 3) == "░░░")
    }
    #expect(ProgressText.bar(fraction: .infinity, width: 3) == "███")
    #expect(
      ProgressText.bar(fraction: 1, width: -5) == ""
        && ProgressText.bar(fraction: 1, width: .max).count == 200)
  }
}
