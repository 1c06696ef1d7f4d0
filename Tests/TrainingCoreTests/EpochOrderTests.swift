import Testing
import TrainingCore

@Suite struct EpochOrderTests {
  private func order(_ count: Int, seed: UInt32, epoch: UInt32) -> [Int] {
    let order = EpochOrder(count: count, seed: seed, epoch: epoch)
    return (0..<count).map(order.example(at:))
  }

  @Test func everyExampleComesExactlyOnceForEveryCount() {
    for count in 1...2000 {
      let taken = order(count, seed: UInt32(count) &* 2_654_435_761, epoch: UInt32(count % 5))
      var seen = [Bool](repeating: false, count: count)
      for example in taken { seen[example] = true }
      #expect(!seen.contains(false), "count \(count)")
    }
    #expect(Set(order(100_003, seed: 1, epoch: 0)).count == 100_003)
  }

  @Test func epochsAndSeedsHaveOrdersOfTheirOwn() {
    var orders: Set<[Int]> = []
    for seed in 0..<UInt32(10) {
      for epoch in 0..<UInt32(10) { orders.insert(order(50, seed: seed, epoch: epoch)) }
    }
    #expect(orders.count == 100)
    #expect(order(50, seed: 3, epoch: 4) == order(50, seed: 3, epoch: 4))
  }

  /// Chi-square of which example comes at a position, over 20,000 orders, against the 99.99th percentile of
  /// the distribution with count - 1 degrees of freedom. (Fixed seeds: it passes always or never.)
  @Test(arguments: [(2, 15.1), (3, 18.4), (5, 23.5), (10, 33.7), (16, 44.3), (17, 45.9), (97, 154.3)])
  func everyPositionSeesEveryExampleEquallyOften(count: Int, limit: Double) {
    let rounds = 20_000
    for position in Set([0, count / 2, count - 1]) {
      var seen = [Int](repeating: 0, count: count)
      for round in 0..<rounds {
        let order = EpochOrder(count: count, seed: UInt32(round / 4), epoch: UInt32(round % 4))
        seen[order.example(at: position)] += 1
      }
      let expected = Double(rounds) / Double(count)
      let chiSquare = seen.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
      #expect(chiSquare < limit, "count \(count), position \(position)")
    }
  }
}
