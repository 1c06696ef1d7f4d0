import Baselines
import Bytes
public import Datasets
import Digests
public import Gateway
import LinkProtocol
import PropertyTesting
public import Rounds
public import TrainingCore
public import UpdateCodec

/// A small federation to simulate, and what must come of it.
public struct Experiment: Sendable {
  static let hyperparameters = Hyperparameters(epochs: 2, batchSize: 4, learningRate: 0.1, seed: 5)

  /// Each board's examples.
  public let shards: [Dataset]
  /// Examples that no board has.
  public let test: Dataset
  /// What is learnt.
  public let model: ModelDescription
  /// The parameters of model 0.
  public let start: [Float]
  /// How differences are coded, both ways.
  public let coding: UpdateCoding
  /// The gateway's.
  public let settings: GatewaySettings

  /// A federation of so many boards, for so many rounds, whose differences are coded so.
  public init(
    boards: Int, rounds: UInt32, hidden: Int = 6, coding: UpdateCoding = .float32,
    quorum: Quorum = .fraction(0.5)
  ) throws {
    let dataset = try Self.clouds()
    shards = try dataset.shards(.iid(boards: boards, seed: 3))
    test = dataset.subset(.test)
    model = try ModelDescription(inputWidth: 8, hidden: hidden, classes: 3, input: dataset.inputFormat)
    start = startingParameters(of: model, seed: 9)
    self.coding = coding
    settings = GatewaySettings(
      name: ShortText("sim"),
      policy: try RoundPolicy(
        minimumBoards: boards, quorum: quorum, roundDeadline: .seconds(120), boardDeadline: .seconds(20),
        maximumRounds: rounds),
      training: Self.hyperparameters, compression: .fixed(coding), run: 77)
  }

  /// Three clouds of points in eight dimensions.
  private static func clouds() throws -> Dataset {
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

  /// A simulation of it.
  public func federation(seed: UInt64, _ hardships: Hardships = Hardships()) -> SimulatedFederation {
    SimulatedFederation(
      seed: seed, shards: shards,
      first: RoundAggregation.snapshot(of: model, version: 0, parameters: start), settings: settings,
      hardships: hardships)
  }

  /// The parameters after each round in which all boards took part.
  public func expected(rounds: Int) throws -> [[Float]] {
    try ReferenceFederation(
      model: model, shards: shards, hyperparameters: Self.hyperparameters, start: start, coding: coding
    ).parameters(after: rounds)
  }
}

extension CurrentModel {
  /// The model that a run begins with.
  init(first: AggregatedModel) {
    self.init(
      version: ModelVersion(number: 0, hash: SHA256.hash(of: first.snapshot.span)),
      description: first.description, snapshot: first.snapshot)
  }
}
