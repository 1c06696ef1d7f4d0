/// What there is to say about a finished round.
public struct RoundSummary: Hashable, Sendable {
  /// The round.
  public let round: RoundNumber
  /// The model it trained from.
  public let base: ModelVersion
  /// The model it made.
  public let result: ModelVersion
  /// The boards whose contributions were averaged, in order of identity.
  public let boards: [BoardID]
  /// Examples behind the average, over all boards.
  public let examples: Int
  /// Mean training loss over the boards that gave one, weighted by examples; nil when none did.
  public let trainingLoss: Double?
  /// Contributions that came too late, for this or an earlier round, while the round was open.
  public let late: Int
  /// Updates refused while the round was open.
  public let refused: Int
  /// How often the deadline passed without quorum.
  public let extensions: Int
  /// From the opening of the round (or the restart of the gateway in the middle of it) to its end.
  public let duration: Duration
}

/// Where the coordinator stands, for status displays.
public struct RoundStatus: Hashable, Sendable {
  /// What it is doing.
  public enum Phase: String, Hashable, Sendable {
    /// Not started.
    case created
    /// Waiting for enough boards to begin.
    case gathering
    /// Boards train, contributions come in.
    case collecting
    /// Contributions are being averaged.
    case aggregating
    /// All rounds are held; boards get and evaluate the last model.
    case concluding
    /// Told to stop; waits for what is being made durable.
    case stopping
    /// Nothing more will happen.
    case finished
  }

  /// What the coordinator is doing.
  public let phase: Phase
  /// The open round.
  public let round: RoundNumber
  /// The model it trains from.
  public let base: ModelVersion
  /// Boards connected now.
  public let connected: Int
  /// Contributions that are durable.
  public let contributed: Int
  /// Contributions needed to close the round at its deadline.
  public let needed: Int
}
