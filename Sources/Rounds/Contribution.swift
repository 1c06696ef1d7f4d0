public import Digests

/// One board's update in one round, without the payload: what the ledger says about it.
public struct Contribution: Hashable, Sendable {
  /// The board that trained.
  public let board: BoardID
  /// The round it trained for.
  public let round: RoundNumber
  /// The model it started from.
  public let base: Digest32
  /// SHA-256 of the update's payload. It tells a repeated message from a second, different update.
  public let update: Digest32
  /// Number of examples it trained on: its weight in the average.
  public let examples: UInt32
  /// Mean training loss in the board's last epoch; nil when the board gave none or not a finite one.
  public let trainingLoss: Float?

  /// Makes a contribution; a training loss that is not finite becomes nil.
  public init(
    board: BoardID, round: RoundNumber, base: Digest32, update: Digest32, examples: UInt32,
    trainingLoss: Float?
  ) {
    self.board = board
    self.round = round
    self.base = base
    self.update = update
    self.examples = examples
    self.trainingLoss = trainingLoss.flatMap { $0.isFinite ? $0 : nil }
  }
}

/// What the check of an update's payload said (finite, right length, norm within its bound).
public enum UpdateVerdict: Hashable, Sendable {
  /// Fit to be averaged.
  case sound
  /// Not fit, and why, in words for the log.
  case unsound(String)
}
