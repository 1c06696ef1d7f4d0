/// How the training examples of a data set are divided among boards.
public enum Partition: Sendable, Equatable {
  /// By lot; the boards' numbers of examples differ by one at most.
  case iid(boards: Int, seed: UInt64)
  /// By lot, each board with classes of its own liking, drawn from Dirichlet(alpha × share of each class)
  /// (Hsu, Qi & Brown 2019, arXiv:1909.06335). alpha is 0.001…1,000,000: below 1 a board sees mostly one
  /// class, 100 is nearly `iid`. The boards' numbers of examples differ by one at most.
  case labelSkew(boards: Int, alpha: Double, seed: UInt64)
  /// Each group (a person, say) on one board; with fewer boards than groups, several groups share one, the
  /// boards' numbers of examples as even as putting the largest group on the emptiest board makes them.
  case byGroup(boards: Int)

  /// The number of boards.
  public var boards: Int {
    switch self {
    case .iid(let boards, _), .labelSkew(let boards, _, _), .byGroup(let boards): boards
    }
  }
}

extension Dataset {
  /// Divides the training examples among boards: one shard each, every example in exactly one of them.
  ///
  /// In a shard, split `test` marks the board's own held-out examples: of each class the last ones, so that
  /// windows of one recording, which follow each other, are not torn apart at random. The test examples of
  /// this data set are in no shard.
  ///
  /// - Parameter heldOutPercent: 0…50; how much of each class a board holds out.
  /// - Throws: ``DatasetError`` with code `impossiblePartition`.
  public func shards(_ partition: Partition, heldOutPercent: Int = 10) throws(DatasetError) -> [Dataset] {
    let pool = indices(of: .train)
    guard partition.boards >= 1 else {
      throw refusal("\(partition.boards) boards", remedy: "choose at least 1")
    }
    guard partition.boards <= pool.count else {
      throw refusal(
        "\(partition.boards) boards for \(pool.count) training examples",
        remedy: "choose at most \(pool.count)")
    }
    guard (0...50).contains(heldOutPercent) else {
      throw refusal("\(heldOutPercent) % held out on the boards", remedy: "choose 0…50")
    }
    let parts: [[Int]]
    switch partition {
    case .iid(let boards, let seed): parts = dealt(pool, boards: boards, seed: seed)
    case .labelSkew(let boards, let alpha, let seed):
      guard (0.001...1_000_000).contains(alpha) else {
        throw refusal("a label skew of \(alpha)", remedy: "choose an alpha of 0.001…1000000")
      }
      parts = skewed(pool, boards: boards, alpha: alpha, seed: seed)
    case .byGroup(let boards): parts = try grouped(pool, boards: boards)
    }
    return parts.map { subset($0, splits: localSplits($0, percent: heldOutPercent)) }
  }

  private func refusal(_ cause: String, remedy: String) -> DatasetError {
    DatasetError(.impossiblePartition, "cannot be divided: \(cause)", remedy: remedy, subject: name)
  }

  private func dealt(_ pool: [Int], boards: Int, seed: UInt64) -> [[Int]] {
    var random = SplitMix64(seed: seed)
    var order = pool
    random.shuffle(&order)
    return (0..<boards).map { board in stride(from: board, to: order.count, by: boards).map { order[$0] } }
  }

  /// Boards take turns to draw an example of a class that they like. When all of a class are gone, what is
  /// left is drawn by the remaining preferences, so all examples are used and no board runs empty.
  private func skewed(_ pool: [Int], boards: Int, alpha: Double, seed: UInt64) -> [[Int]] {
    var random = SplitMix64(seed: seed)
    var order = pool
    random.shuffle(&order)
    var left = [[Int]](repeating: [], count: classNames.count)
    for i in order { left[Int(labels[i])].append(i) }

    let present = left.indices.filter { !left[$0].isEmpty }
    let concentrations = present.map { alpha * Double(left[$0].count) / Double(pool.count) }
    var preferences: [[Double]] = []
    for _ in 0..<boards {
      var preference = [Double](repeating: 0, count: classNames.count)
      for (label, share) in zip(present, random.nextDirichlet(concentrations)) { preference[label] = share }
      preferences.append(preference)
    }

    var parts = [[Int]](repeating: [], count: boards)
    for turn in pool.indices {
      let board = turn % boards
      var weights = left.indices.map { left[$0].isEmpty ? 0 : preferences[board][$0] }
      if weights.reduce(0, +) == 0 { weights = left.map { Double($0.count) } }
      var mark = random.nextUnit() * weights.reduce(0, +)
      var drawn = 0
      for label in left.indices where weights[label] > 0 {
        drawn = label
        mark -= weights[label]
        if mark < 0 { break }
      }
      parts[board].append(left[drawn].removeLast())
    }
    return parts
  }

  private func grouped(_ pool: [Int], boards: Int) throws(DatasetError) -> [[Int]] {
    let members = Dictionary(grouping: pool) { groups[$0] }
    guard boards <= members.count else {
      throw refusal(
        "\(boards) boards for \(members.count) \(members.count == 1 ? "group" : "groups")",
        remedy: "choose at most \(members.count), or divide it by lot")
    }
    let largestFirst = members.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
    var parts = [[Int]](repeating: [], count: boards)
    for (_, examples) in largestFirst {
      let emptiest = parts.indices.min { parts[$0].count < parts[$1].count } ?? 0
      parts[emptiest] += examples
    }
    // Board 1 has the first person, and a board's examples are in the order of the file.
    return parts.map { $0.sorted() }.sorted { groups[$0[0]] < groups[$1[0]] }
  }

  private func localSplits(_ part: [Int], percent: Int) -> [Split] {
    var ofClass = [[Int]](repeating: [], count: classNames.count)
    for (position, i) in part.enumerated() { ofClass[Int(labels[i])].append(position) }
    var splits = [Split](repeating: .train, count: part.count)
    for positions in ofClass {
      for position in positions.suffix((positions.count * percent + 50) / 100) { splits[position] = .test }
    }
    // A small shard may have too few of every class; a board should have something to evaluate on all the same.
    if percent > 0, part.count > 1, !splits.contains(.test) { splits[part.count - 1] = .test }
    return splits
  }
}
