public import Digests

/// What the coordinator wants done, or wants known. The first group are commands, the second are notices that
/// need no answer and are worth a line in the log.
public enum RoundAction: Hashable, Sendable {
  // MARK: Commands to a board

  /// Bring the board to this model. Replaces whatever was asked of the board before.
  /// Answer: `modelDelivered`, `boardFailed` or `boardLost`; `transferProgressed` on the way.
  case deliver(ModelVersion, to: BoardID)
  /// Let the board evaluate this model, which it holds. Answer: `evaluationReported` or as above.
  case evaluate(BoardID, ModelVersion)
  /// Let the board train from the round's base, which it holds. A board that trains for this round already goes
  /// on, one that has an update for it offers that again. Answer: `updateArrived` or as above;
  /// `trainingProgressed` and `transferProgressed` on the way.
  case train(BoardID, RoundNumber)
  /// Tell the board that its training for this round is of no more use.
  case stopTraining(BoardID, RoundNumber)
  /// Tell the board that its contribution is durable: it may forget the update and adopt its residual.
  case confirm(BoardID, RoundNumber)
  /// Tell the board that its update is not accepted, and record why.
  case refuse(Contribution, RefusalReason)
  /// Tell the board that its update came too late, and record it. The second round is the one open now.
  case discardLate(Contribution, openRound: RoundNumber)

  // MARK: Commands to the store and the aggregation

  /// Make the contribution durable. Answer exactly once: `contributionStored` or `contributionNotStored`.
  case store(Contribution)
  /// Average the stored contributions of exactly these boards (in order of identity) and make the result, the
  /// end of this round and the beginning of the next durable in one step. Answer exactly once: `aggregated` or
  /// `aggregationFailed`.
  case aggregate(RoundNumber, [BoardID])

  // MARK: Notices

  /// Fewer boards are there than the start waits for.
  case waitForBoards(have: Int, need: Int)
  /// A round collects from now on. After a restart in the middle of a round it is opened once more, with the
  /// contributions it has.
  case roundOpened(RoundNumber, base: ModelVersion, boards: Int, contributions: Int)
  /// The deadline passed with too few contributions: the round keeps what it has and goes on.
  case roundExtended(RoundNumber, have: Int, need: Int)
  /// The board failed and is tried again after the pause.
  case retryLater(BoardID, FailureReason, attempt: Int, after: Duration)
  /// The board failed too often: the round goes on without it, the next one tries it again.
  case exclude(BoardID, RoundNumber, FailureReason)
  /// How a model did on the boards' own held-out examples, over all boards that reported.
  case modelEvaluated(ModelVersion, EvaluationReport, boards: Int)
  /// The aggregation failed and is tried again after the pause.
  case aggregateLater(RoundNumber, after: Duration)
  /// A round is over and its result is durable.
  case roundFinished(RoundSummary)
  /// Nothing more will come. Sent once.
  case finished(FinishReason)
}

/// Why an update was not accepted.
public enum RefusalReason: Hashable, Sendable, CustomStringConvertible {
  /// It was made from another model than the round's.
  case wrongBase(expected: Digest32, got: Digest32)
  /// It names a round that has not begun.
  case roundNotBegun(open: RoundNumber)
  /// All rounds are held.
  case noRoundOpen
  /// The board has contributed another update to this round.
  case alreadyContributed
  /// It stands for no example, so it has no weight.
  case noExamples
  /// The check of the payload failed.
  case unsound(String)

  /// A sentence for log and ledger.
  public var description: String {
    switch self {
    case .wrongBase(let expected, let got):
      "trained from model \(got.short), the round needs \(expected.short)"
    case .roundNotBegun(let open): "for a round that has not begun; round \(open) is open"
    case .noRoundOpen: "all rounds are held"
    case .alreadyContributed: "the board has contributed another update to this round"
    case .noExamples: "trained on no examples"
    case .unsound(let reason): reason
    }
  }
}

/// What went wrong with a board.
public enum FailureReason: Hashable, Sendable, CustomStringConvertible {
  /// What a board was doing when it failed.
  public enum Step: String, Hashable, Sendable {
    /// Receiving a model.
    case receiving
    /// Evaluating a model.
    case evaluating
    /// Training, or sending its update.
    case training
  }

  /// Nothing was heard of it for the board deadline.
  case silent(Step)
  /// The board or its session reported an error.
  case reported(String)
  /// Its update was refused.
  case refused(RefusalReason)
  /// Its update is sound but the gateway could not keep it.
  case notStored

  /// A sentence for the log.
  public var description: String {
    switch self {
    case .silent(let step): "silent while \(step.rawValue)"
    case .reported(let reason): reason
    case .refused(let reason): "update refused: \(reason)"
    case .notStored: "the gateway could not store its update"
    }
  }
}

/// Why a coordinator finished.
public enum FinishReason: Hashable, Sendable {
  /// All rounds of the policy are held.
  case allRoundsHeld
  /// It was told to stop; the store holds all that is needed to go on.
  case stopped
}
