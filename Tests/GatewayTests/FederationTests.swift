import Baselines
import Bytes
import Datasets
import Digests
import Gateway
import LinkProtocol
import PropertyTesting
import Rounds
import Testing
import TrainingCore

@Suite struct FederationTests {
  static let hyperparameters = Hyperparameters(epochs: 2, batchSize: 4, learningRate: 0.1, seed: 5)

  /// Three clouds of points in eight dimensions.
  static func dataset() throws -> Dataset {
    var random = SeededGenerator(seed: 77)
    var values: [Int8] = []
    var labels: [UInt8] = []
    for i in 0..<120 {
      let label = i % 3
      labels.append(UInt8(label))
      for d in 0..<8 {
        let centre = (d + label) % 3 == 0 ? 40 : -20
        values.append(Int8(centre + Int(random.next() % 41) - 20))
      }
    }
    return try Dataset(
      name: "clouds", classNames: ["a", "b", "c"], featureWidth: 8, labels: labels,
      groups: [UInt16](repeating: 0, count: 120),
      splits: (0..<120).map { $0 < 90 ? .train : .test },
      features: .int8(values, scale: 1 / 64, zeroPoint: 0))
  }

  struct Setting {
    var shards: [Dataset]
    var test: Dataset
    var model: ModelDescription
    var start: [Float]
    var settings: GatewaySettings

    init(boards: Int, rounds: UInt32) throws {
      let dataset = try FederationTests.dataset()
      shards = try dataset.shards(.iid(boards: boards, seed: 3))
      test = dataset.subset(.test)
      model = try ModelDescription(inputWidth: 8, hidden: 6, classes: 3, input: dataset.inputFormat)
      start = startingParameters(of: model, seed: 9)
      settings = GatewaySettings(
        name: ShortText("sim"),
        policy: try RoundPolicy(
          minimumBoards: boards, roundDeadline: .seconds(120), boardDeadline: .seconds(20),
          maximumRounds: rounds), training: hyperparameters)
    }

    func federation(seed: UInt64, _ hardships: Hardships = Hardships()) -> SimulatedFederation {
      SimulatedFederation(
        seed: seed, shards: shards,
        first: RoundAggregation.snapshot(of: model, version: 0, parameters: start), settings: settings,
        hardships: hardships)
    }

    /// What federated averaging gives without links, boards and failures.
    func expected(rounds: Int) throws -> [Float] {
      var global = start
      for round in 0..<rounds {
        let updates = try shards.map { shard in
          let trained = try train(model, hyperparameters.forRound(round), from: global, on: shard)
          return zip(trained, global).map { $0 - $1 }
        }
        global = try average(updates, global)
      }
      return global
    }

    private func average(_ updates: [[Float]], _ global: [Float]) throws -> [Float] {
      let counts = shards.map { UInt32($0.indices(of: .train).count) }
      let payloads = zip(counts, updates).map { (examples: $0, payload: update($0, $1)) }
      let base = RoundAggregation.snapshot(of: model, version: 0, parameters: global).snapshot
      let version = ModelVersion(number: 0, hash: SHA256.hash(of: base.span))
      let current = CurrentModel(version: version, description: model, snapshot: base)
      return try RoundAggregation.next(from: payloads, base: current).model.parameters
    }
  }

  @Test func aFederationOverPerfectLinksIsFederatedAveragingBitForBit() throws {
    let setting = try Setting(boards: 3, rounds: 4)
    let federation = setting.federation(seed: 1)
    #expect(federation.run(seconds: 60))
    #expect(federation.ledger.parameters.count == 4)
    #expect(federation.ledger.parameters.last == (try setting.expected(rounds: 4)))
    let score = try evaluate(
      setting.model, try #require(federation.ledger.parameters.last), on: setting.test)
    #expect(score.accuracy > 0.9)
    // At the end every board holds the last model.
    for board in federation.boards {
      #expect(board.model == String(describing: federation.ledger.model.version.hash))
    }
  }

  @Test func whateverHappensEveryRoundIsHeldAndEveryContributionCountsOnce() throws {
    let setting = try Setting(boards: 3, rounds: 3)
    var suffered = (crashes: 0, resets: 0, unplugs: 0)
    for seed in 1...40 as ClosedRange<UInt64> {
      var random = SeededGenerator(seed: seed)
      var hardships = Hardships()
      hardships.loss = Double(random.next() % 4) / 10_000
      hardships.corruption = Double(random.next() % 4) / 10_000
      hardships.delay = 100 + random.next() % 20_000
      hardships.byteTime = 1 + random.next() % 30
      hardships.unplugs = [0, 0.0005, 0.003][Int(random.next() % 3)]
      hardships.resets = [0, 0.0005, 0.002][Int(random.next() % 3)]
      hardships.crashes = [0, 0.0005, 0.002][Int(random.next() % 3)]
      hardships.storeTime = 100 + random.next() % 30_000
      let federation = setting.federation(seed: seed, hardships)
      let done = federation.run(seconds: 3600)
      #expect(done, "seed \(seed), \(hardships)")
      for round in 1...3 as ClosedRange<UInt32> {
        let counted = federation.ledger.counted[RoundNumber(round)] ?? []
        #expect(!counted.isEmpty && Set(counted).count == counted.count, "seed \(seed) round \(round)")
      }
      suffered.crashes += federation.crashes
      suffered.resets += federation.resets
      suffered.unplugs += federation.unplugs
      // With all boards in every round, no hardship leaves a trace in the result.
      if (1...3).allSatisfy({ federation.ledger.counted[RoundNumber($0)]?.count == 3 }) {
        #expect(federation.ledger.parameters.last == (try setting.expected(rounds: 3)), "seed \(seed)")
      }
    }
    print("hardships survived:", suffered)
    #expect(suffered.crashes > 20 && suffered.resets > 50 && suffered.unplugs > 50)
  }
}
