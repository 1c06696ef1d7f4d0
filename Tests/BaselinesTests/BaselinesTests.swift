import Baselines
import Datasets
import Testing
import TrainingCore

/// A data set that is divided, trained and judged as the gateway's default run does it.
struct Federation {
  let shards: [Dataset]
  let test: Dataset
  let model: ModelDescription
  let defaults: DatasetDefaults
  let start: [Float]

  init(_ name: String, boards: Int? = nil, seed: UInt64 = 1) throws {
    let dataset = try Dataset.named(name)
    defaults = DatasetDefaults(for: dataset)
    shards = try dataset.shards(
      DatasetDefaults.partition(of: dataset, boards: boards ?? defaults.boards, seed: seed))
    test = dataset.subset(.test)
    model = try defaults.model(for: dataset)
    start = startingParameters(of: model, seed: seed)
  }

  func scores(rounds: Int) throws -> [Score] {
    try federate(
      shards: shards, test: test, model: model, hyperparameters: defaults.hyperparameters, rounds: rounds,
      start: start)
  }

  func comparison(rounds: Int) throws -> Comparison {
    try compare(
      shards: shards, test: test, model: model, hyperparameters: defaults.hyperparameters, rounds: rounds,
      start: start)
  }
}

@Suite struct BaselinesTests {
  @Test func digitsLearnedByFourBoardsAreAsGoodAsLearnedInOnePlace() throws {
    let digits = try Federation("digits")
    let scores = try digits.scores(rounds: 10)
    let baselines = try digits.comparison(rounds: 10)
    let federated = try #require(scores.last).accuracy
    #expect(federated >= 0.95)
    #expect(federated >= baselines.centralised.accuracy - 0.01)
    #expect(federated > baselines.aloneMean)
    #expect(baselines.alone.count == 4)
  }

  @Test func tenPeopleTogetherBeatEachAloneByFar() throws {
    let exercises = try Federation("exercises")
    let scores = try exercises.scores(rounds: 10)
    let baselines = try exercises.comparison(rounds: 10)
    let federated = try #require(scores.last).accuracy
    #expect(federated >= 0.93)
    #expect(federated >= baselines.aloneMean + 0.15)
    #expect(baselines.alone.allSatisfy { $0.accuracy < federated })
  }

  @Test func accuracyRisesFromRoundToRound() throws {
    let scores = try Federation("exercises").scores(rounds: 4)
    #expect(scores.map(\.accuracy) == scores.map(\.accuracy).sorted())
    #expect(scores.map(\.loss) == scores.map(\.loss).sorted(by: >))
  }

  @Test func theSameSeedsGiveTheSameResults() throws {
    let digits = try Federation("digits")
    #expect(try digits.scores(rounds: 1) == digits.scores(rounds: 1))
    let other = try Federation("digits", seed: 2)
    #expect(try digits.scores(rounds: 1) != other.scores(rounds: 1))
  }

  /// With one board, federating is training: the average of one update is that update.
  @Test func aFederationOfOneBoardIsThatBoardAlone() throws {
    let one = try Federation("digits", boards: 1)
    let scores = try one.scores(rounds: 1)
    let baselines = try one.comparison(rounds: 1)
    #expect(baselines.alone == [baselines.centralised])
    // base + (trained − base) may differ from trained in its last bit.
    #expect(abs(scores[0].accuracy - baselines.centralised.accuracy) < 0.005)
    #expect(abs(scores[0].loss - baselines.centralised.loss) < 0.001)
  }

  @Test func heldOutExamplesOfABoardAreNotTrainedOn() throws {
    let digits = try Federation("digits")
    let shard = digits.shards[0]
    let hyperparameters = digits.defaults.hyperparameters
    let whole = try train(digits.model, hyperparameters, from: digits.start, on: shard)
    let without = try train(digits.model, hyperparameters, from: digits.start, on: shard.subset(.train))
    #expect(whole == without)
  }

  @Test func floatInputsTrainAsWell() throws {
    let dataset = try Dataset(
      name: "or", classNames: ["no", "yes"], featureWidth: 2, labels: [0, 1, 1, 1], groups: [0, 0, 0, 0],
      splits: [.train, .train, .train, .train], features: .float32([0, 0, 0, 1, 1, 0, 1, 1]))
    let model = try ModelDescription(inputWidth: 2, classes: 2, input: dataset.inputFormat)
    let start = startingParameters(of: model, seed: 1)
    let trained = try train(model, Hyperparameters(epochs: 300, learningRate: 0.5), from: start, on: dataset)
    #expect(try evaluate(model, trained, on: dataset).accuracy == 1)
  }

  @Test func aDataSetWithPeopleIsDividedByPersonWhereThereAreEnough() throws {
    let exercises = try Dataset.named("exercises")
    #expect(DatasetDefaults.partition(of: exercises, boards: 10, seed: 7) == .byGroup(boards: 10))
    #expect(DatasetDefaults.partition(of: exercises, boards: 11, seed: 7) == .iid(boards: 11, seed: 7))
    let digits = try Dataset.named("digits")
    #expect(DatasetDefaults.partition(of: digits, boards: 1, seed: 7) == .iid(boards: 1, seed: 7))
  }

  @Test func whatCannotBeTrainedSaysWhy() throws {
    let digits = try Federation("digits")
    let (model, start) = (digits.model, digits.start)
    let hyperparameters = digits.defaults.hyperparameters
    #expect(throws: BaselineError.wrongStart(found: 3, expected: model.parameterCount)) {
      try train(model, hyperparameters, from: [1, 2, 3], on: digits.test)
    }
    #expect(throws: BaselineError.nothing("example to train on")) {
      try train(model, hyperparameters, from: start, on: digits.test)
    }
    #expect(throws: BaselineError.nothing("example to judge by")) {
      try evaluate(model, start, on: digits.shards[0].subset([]))
    }
    #expect(throws: BaselineError.nothing("board")) {
      try compare(
        shards: [], test: digits.test, model: model, hyperparameters: hyperparameters, rounds: 1, start: start
      )
    }
    #expect(throws: BaselineError.nothing("board")) {
      try federate(
        shards: [], test: digits.test, model: model, hyperparameters: hyperparameters, rounds: 1, start: start
      )
    }
    let hot = Hyperparameters(learningRate: 100)
    #expect(throws: BaselineError.failed(.lossNotFinite)) {
      try train(model, hot, from: start.map { $0 * 1e19 }, on: digits.shards[0])
    }
    let off = Hyperparameters(learningRate: -1)
    #expect(throws: BaselineError.training(.hyperparameters(.learningRate))) {
      try train(model, off, from: start, on: digits.shards[0])
    }
    let exercises = try Dataset.named("exercises")
    #expect(throws: BaselineError.failed(.inputWidth(got: 60, expected: 64))) {
      try train(model, hyperparameters, from: start, on: exercises)
    }
  }
}
