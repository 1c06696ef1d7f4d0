/// Where a run stands according to the store: all that a coordinator needs to go on after a crash.
///
/// The store closes a round, keeps the new model and opens the next round in one transaction, so there is
/// always exactly one open round, and an aggregation either happened as a whole or not at all.
public struct RecoveredState: Hashable, Sendable {
  /// The open round.
  public let round: RoundNumber
  /// The model that the round trains from.
  public let base: ModelVersion
  /// The contributions to the round that are durable, one a board.
  public let contributions: [Contribution]

  /// Makes a state. A new run is round 1, the initial model and no contributions.
  public init(round: RoundNumber, base: ModelVersion, contributions: [Contribution] = []) {
    self.round = round
    self.base = base
    self.contributions = contributions
  }
}
