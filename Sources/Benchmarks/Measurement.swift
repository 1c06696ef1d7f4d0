/// A figure, printed as one line of JSON so that it can be followed over time.
struct Measurement {
  /// Path-like name, e.g. `exchange/tinyfedtl/pty/ms`.
  var bench: String
  var value: Double
  var unit: String

  func report() {
    print("{\"bench\": \"\(bench)\", \"value\": \(Self.number(value)), \"unit\": \"\(unit)\"}")
  }

  /// Four significant digits or so: what a shared machine repeats.
  private static func number(_ value: Double) -> String {
    let scale = value == 0 ? 1 : value.magnitude < 1 ? 10_000 : value.magnitude < 100 ? 100 : 1
    return String((value * Double(scale)).rounded() / Double(scale))
  }

  /// The median of `repetitions` times, in seconds, that `body` takes.
  static func median(of repetitions: Int, _ body: () throws -> Void) rethrows -> Double {
    var times: [Double] = []
    for _ in 0..<repetitions {
      let start = ContinuousClock.now
      try body()
      times.append((ContinuousClock.now - start) / .seconds(1))
    }
    return times.sorted()[repetitions / 2]
  }

  /// Medians of two bodies that are run in turn, so that whatever else the machine does meets both.
  static func medians(
    of repetitions: Int, _ a: () throws -> Void, _ b: () throws -> Void
  ) rethrows -> (a: Double, b: Double) {
    var first: [Double] = []
    var second: [Double] = []
    for _ in 0..<repetitions {
      first.append(try median(of: 1, a))
      second.append(try median(of: 1, b))
    }
    return (first.sorted()[repetitions / 2], second.sorted()[repetitions / 2])
  }
}
