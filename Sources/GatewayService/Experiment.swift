import Baselines
public import Datasets
public import TrainingCore

/// What is learnt, from what and how: fixed for a run.
public struct Experiment: Sendable {
  /// How the examples are divided among boards.
  public enum Division: Sendable, Equatable {
    /// As the data set suggests: a person a board where it knows persons, else by lot.
    case natural
    /// By lot.
    case iid
    /// Every board prefers some classes; the smaller the number (the α of a Dirichlet distribution), the
    /// more.
    case labelSkew(Double)
  }

  /// Its name.
  public let dataset: String
  /// Held out from all boards: judges the models.
  public let test: Dataset
  /// The examples of each virtual board.
  public let shards: [Dataset]
  /// What is trained.
  public let model: ModelDescription
  /// How boards train.
  public let hyperparameters: Hyperparameters
  /// The seed of everything that is drawn by lot.
  public let seed: UInt32
  /// The parameters that the first round begins with.
  public let start: [Float]
  /// What makes this run another one than a run with other options.
  public let settings: [String: String]

  /// - Parameters:
  ///   - name: a bundled data set, or the path of an `.fbds` file.
  ///   - boards: among how many virtual boards it is divided; 0 for none.
  ///   - division: how.
  ///   - seed: of division, starting weights and order of examples.
  public init(dataset name: String, boards: Int, division: Division, seed: UInt32) throws {
    let whole = name.contains("/") ? try Dataset(path: name) : try Dataset.named(name)
    let defaults = DatasetDefaults(for: whole)
    dataset = whole.name
    test = whole.subset(.test)
    self.seed = seed
    model = try defaults.model(for: whole)
    var hyperparameters = defaults.hyperparameters
    hyperparameters.seed = seed
    self.hyperparameters = hyperparameters
    start = startingParameters(of: model, seed: UInt64(seed))
    let partition: Partition
    switch division {
    case .natural:
      partition = DatasetDefaults.partition(of: whole, boards: max(1, boards), seed: UInt64(seed))
    case .iid:
      partition = .iid(boards: max(1, boards), seed: UInt64(seed))
    case .labelSkew(let alpha):
      partition = .labelSkew(boards: max(1, boards), alpha: alpha, seed: UInt64(seed))
    }
    shards = boards > 0 ? try whole.shards(partition) : []
    settings = [
      "dataset": whole.name, "seed": String(seed), "virtual boards": String(boards),
      "division": boards > 0 ? String(describing: partition) : "none",
      "training": String(describing: hyperparameters),
    ]
  }
}
