import Baselines
import Datasets
import Foundation
import GatewayStore
import Rounds

/// What a run reached, as `--summary` writes it.
public struct RunSummary: Codable, Sendable, Equatable {
  /// One round.
  public struct Round: Codable, Sendable, Equatable {
    /// Its number, from 1.
    public var round: Int
    /// Accuracy of its result on the held-out examples, 0…1; nil when unknown.
    public var accuracy: Double?
    /// Mean loss on the held-out examples, in nats.
    public var loss: Double?
    /// Boards whose updates were counted.
    public var contributions: Int
    /// Bytes of frames to boards.
    public var bytesDown: Int
    /// Bytes of frames from boards.
    public var bytesUp: Int
    /// Bytes of objects that were sent more than once.
    public var bytesAgain: Int
    /// Bytes of objects that a lost link or a restart did not cost.
    public var bytesResumed: Int
    /// How long it took.
    public var seconds: Double

    enum CodingKeys: String, CodingKey {
      case round, accuracy, loss, contributions, seconds
      case bytesDown = "bytes_down"
      case bytesUp = "bytes_up"
      case bytesAgain = "bytes_again"
      case bytesResumed = "bytes_resumed"
    }
  }

  /// Accuracies on the same held-out examples, 0…1.
  public struct Final: Codable, Sendable, Equatable {
    /// Of the federation's last model.
    public var federated: Double?
    /// Of a model that saw all boards' examples in one place, with the same budget.
    public var centralised: Double?
    /// Mean over models that saw one board's examples each.
    public var aloneMean: Double?

    enum CodingKeys: String, CodingKey {
      case federated, centralised
      case aloneMean = "alone_mean"
    }
  }

  /// The data set's name.
  public var dataset: String
  /// Virtual boards that hold it.
  public var boards: Int
  /// The seed of the run.
  public var seed: UInt32
  /// The rounds held, in order.
  public var rounds: [Round]
  /// The comparison at the end.
  public var final: Final

  init(experiment: Experiment, records: [RoundRecord], comparison: Comparison?) {
    dataset = experiment.dataset
    boards = experiment.shards.count
    seed = experiment.seed
    rounds = records.filter { $0.result != nil }.map { record in
      let evaluation = record.evaluations[.gateway] ?? record.evaluations[.boards]
      return Round(
        round: Int(record.number.rawValue), accuracy: evaluation?.accuracy, loss: evaluation?.loss,
        contributions: record.contributions, bytesDown: record.cost.bytesDown, bytesUp: record.cost.bytesUp,
        bytesAgain: record.cost.bytesAgain, bytesResumed: record.cost.bytesResumed,
        seconds: record.cost.seconds)
    }
    final = Final(
      federated: rounds.last?.accuracy, centralised: comparison?.centralised.accuracy,
      aloneMean: comparison.map(\.aloneMean))
  }

  /// Writes the summary as JSON, whole or not at all.
  public func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(self).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}
