import Datasets
import PropertyTesting
import Testing

@Suite struct PartitionTests {
  /// Every way of dividing `dataset` that the seed suggests.
  func partitions(of dataset: Dataset, seed: UInt64) -> [Partition] {
    var random = SeededGenerator(seed: seed ^ 0xABCD)
    let training = dataset.subset(.train)
    let boards = Int.random(in: 1...min(20, training.count), using: &random)
    let groups = Set(training.groups).count
    let alpha = [0.001, 0.1, 0.5, 1, 10, 1_000_000].randomElement(using: &random)!
    return [
      .iid(boards: boards, seed: seed), .labelSkew(boards: boards, alpha: alpha, seed: seed),
      .byGroup(boards: Int.random(in: 1...groups, using: &random)),
    ]
  }

  @Test(arguments: 0..<150 as Range<UInt64>)
  func everyTrainingExampleIsInExactlyOneShard(seed: UInt64) throws {
    let dataset = try Dataset.sample(seed: seed, examples: 20...400)
    for partition in partitions(of: dataset, seed: seed) {
      let shards = try dataset.shards(partition)
      #expect(shards.count == partition.boards)
      #expect(shards.allSatisfy { $0.count > 0 })
      #expect(shards.flatMap(\.numbers).sorted() == dataset.indices(of: .train), "\(partition)")
      for shard in shards {
        for (position, original) in shard.numbers.enumerated() {
          #expect(shard.labels[position] == dataset.labels[original])
          #expect(shard.groups[position] == dataset.groups[original])
        }
        #expect(shard.columns == dataset.columns)
        #expect(try Dataset(parsing: shard.encode()) == shard)
      }
    }
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func theSameSeedDividesTheSameWayAndAnotherOneDoesNot(seed: UInt64) throws {
    let dataset = try Dataset.sample(seed: 5, examples: 200...200)
    let skew = Partition.labelSkew(boards: 4, alpha: 0.5, seed: seed)
    #expect(try dataset.shards(skew) == dataset.shards(skew))
    #expect(try dataset.shards(skew) != dataset.shards(.labelSkew(boards: 4, alpha: 0.5, seed: seed + 1)))
    let iid = Partition.iid(boards: 4, seed: seed)
    #expect(try dataset.shards(iid) == dataset.shards(iid))
    #expect(try dataset.shards(iid) != dataset.shards(.iid(boards: 4, seed: seed + 1)))
  }

  @Test func drawnShardsAreOfEqualSize() throws {
    let digits = try Dataset.named("digits")
    for partition: Partition in [.iid(boards: 7, seed: 3), .labelSkew(boards: 7, alpha: 0.1, seed: 3)] {
      let sizes = try digits.shards(partition).map(\.count)
      #expect(sizes.max()! - sizes.min()! <= 1)
    }
  }

  /// How unlike the shards' classes are: the mean share of a shard's commonest class.
  func concentration(_ shards: [Dataset]) -> Double {
    let shares = shards.map { shard in
      Double((0..<10).map { label in shard.labels.count { $0 == label } }.max()!) / Double(shard.count)
    }
    return shares.reduce(0, +) / Double(shares.count)
  }

  @Test func aSmallerAlphaSkewsTheClassesMore() throws {
    let digits = try Dataset.named("digits")
    let skews = try [0.1, 1, 10, 1000].map { alpha in
      concentration(try digits.shards(.labelSkew(boards: 10, alpha: alpha, seed: 42)))
    }
    #expect(skews == skews.sorted(by: >))
    #expect(skews[0] > 0.6)
    #expect(skews[3] < 0.2)
    #expect(concentration(try digits.shards(.iid(boards: 10, seed: 42))) < 0.2)
  }

  @Test func eachPersonIsOneBoard() throws {
    let exercises = try Dataset.named("exercises")
    let shards = try exercises.shards(.byGroup(boards: 10))
    for (board, shard) in shards.enumerated() { #expect(Set(shard.groups) == [UInt16(board + 1)]) }
  }

  @Test func peopleShareBoardsWhereThereAreFewer() throws {
    let exercises = try Dataset.named("exercises")
    let shards = try exercises.shards(.byGroup(boards: 3))
    let people = shards.map { Set($0.groups) }
    #expect(people.map(\.count).reduce(0, +) == 10)
    #expect(people.reduce(Set()) { $0.union($1) }.count == 10)
    let sizes = shards.map(\.count)
    #expect(sizes.max()! - sizes.min()! < 150)
  }

  @Test func aShardHoldsOutSomeOfEveryClass() throws {
    let digits = try Dataset.named("digits")
    for shard in try digits.shards(.iid(boards: 4, seed: 1)) {
      let heldOut = shard.subset(.test)
      #expect(Set(heldOut.labels).count == 10)
      #expect((0.08...0.12).contains(Double(heldOut.count) / Double(shard.count)))
    }
    for shard in try digits.shards(.iid(boards: 4, seed: 1), heldOutPercent: 0) {
      #expect(shard.subset(.test).count == 0)
    }
  }

  @Test func theSmallestShardsStillHaveSomethingToEvaluateOn() throws {
    let digits = try Dataset.named("digits")
    for shard in try digits.shards(.iid(boards: 500, seed: 1)) {
      #expect(shard.subset(.test).count == 1)
      #expect(shard.subset(.train).count >= 1)
    }
  }

  /// A window and its neighbour overlap by half, so what is held out must be a piece, not a sprinkling.
  @Test func aBoardHoldsOutTheEndOfEachExercise() throws {
    for shard in try Dataset.named("exercises").shards(.byGroup(boards: 10)) {
      for label in Set(shard.labels) {
        let splits = zip(shard.labels, shard.splits).filter { $0.0 == label }.map(\.1)
        #expect(splits.first == .train)
        #expect(splits.firstIndex(of: .test).map { splits[$0...].allSatisfy { $0 == .test } } == true)
      }
    }
  }

  @Test func aPartitionThatCannotBeSaysWhy() throws {
    let digits = try Dataset.named("digits")
    let exercises = try Dataset.named("exercises")
    func refusal(_ dataset: Dataset, _ partition: Partition, heldOutPercent: Int = 10) -> String {
      let error = #expect(throws: DatasetError.self) {
        try dataset.shards(partition, heldOutPercent: heldOutPercent)
      }
      #expect(error?.code == .impossiblePartition)
      return error?.description ?? ""
    }
    #expect(refusal(digits, .iid(boards: 0, seed: 1)).contains("at least 1"))
    #expect(refusal(digits, .iid(boards: -3, seed: 1)).contains("-3 boards"))
    #expect(refusal(digits, .iid(boards: 2000, seed: 1)).contains("2000 boards for 1438 training examples"))
    #expect(refusal(exercises, .byGroup(boards: 11)).contains("11 boards for 10 groups; choose at most 10"))
    #expect(refusal(digits, .byGroup(boards: 2)).contains("2 boards for 1 group"))
    for alpha in [0, -1, .nan, .infinity, 1e-9] {
      #expect(refusal(digits, .labelSkew(boards: 4, alpha: alpha, seed: 1)).contains("alpha"))
    }
    #expect(refusal(digits, .iid(boards: 4, seed: 1), heldOutPercent: 60).contains("0…50"))
    #expect(refusal(digits.subset(.test), .iid(boards: 1, seed: 1)).contains("0 training examples"))
  }
}
