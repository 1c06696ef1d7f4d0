import Baselines
import Datasets
import Foundation
import GatewayService
import Testing
import TrainingCore

@Suite struct ExperimentTests {
  private func digits(
    boards: Int = 4, division: Experiment.Division = .natural, seed: UInt32 = 1
  ) throws -> Experiment {
    try Experiment(dataset: "digits", boards: boards, division: division, seed: seed)
  }

  @Test func `The boards' examples and the gateway's are apart and together the whole data set`() throws {
    let whole = try Dataset.named("digits")
    let experiment = try digits()
    #expect(experiment.shards.count == 4)
    #expect(experiment.test == whole.subset(.test))
    #expect(experiment.shards.reduce(0) { $0 + $1.count } + experiment.test.count == whole.count)
    #expect(
      experiment.shards.allSatisfy { !$0.indices(of: .train).isEmpty && !$0.indices(of: .test).isEmpty })
  }

  @Test func `One seed is one experiment`() throws {
    let (one, same, other) = (try digits(), try digits(), try digits(seed: 2))
    #expect(one.shards == same.shards && one.start == same.start && one.settings == same.settings)
    #expect(one.shards != other.shards && one.start != other.start)
    #expect(one.hyperparameters.seed == 1 && other.hyperparameters.seed == 2)
  }

  @Test func `What makes another experiment shows in its settings`() throws {
    let settings = [
      try digits(), try digits(boards: 5), try digits(seed: 2), try digits(division: .labelSkew(0.3)),
      try digits(division: .labelSkew(0.4)), try digits(boards: 0),
      try Experiment(dataset: "exercises", boards: 4, division: .natural, seed: 1),
    ].map(\.settings)
    #expect(Set(settings).count == settings.count)
  }

  @Test func `People who wear boards are not divided, digits are`() throws {
    let exercises = try Experiment(dataset: "exercises", boards: 10, division: .natural, seed: 1)
    #expect(exercises.shards.allSatisfy { Set($0.groups).count == 1 })
    #expect(Set(exercises.shards.flatMap(\.groups)).count == 10)
    #expect(try digits(division: .natural).shards == digits(division: .iid).shards)
  }

  @Test func `Without virtual boards there is a model to learn and nobody's examples`() throws {
    let experiment = try digits(boards: 0)
    #expect(experiment.shards.isEmpty && experiment.test.count > 0)
    #expect(experiment.start.count == experiment.model.parameterCount)
    #expect(experiment.settings["division"] == "none")
  }

  @Test func `A path is read, a name looked up`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("mine.fbds").path
    try Dataset.named("digits").write(to: path)
    let fromFile = try Experiment(dataset: path, boards: 4, division: .natural, seed: 1)
    #expect(fromFile.shards == (try digits().shards) && fromFile.dataset == "digits")
    #expect(throws: DatasetError.self) {
      try Experiment(dataset: "mine", boards: 4, division: .natural, seed: 1)
    }
    #expect(throws: DatasetError.self) {
      try Experiment(dataset: path + ".none", boards: 4, division: .natural, seed: 1)
    }
  }
}
