public import LinkProtocol
public import Rounds
public import UpdateCodec

/// A board as notices speak of it.
public struct BoardLabel: Hashable, Sendable {
  /// Its identity.
  public var id: BoardID
  /// The name that people gave it, or that it got by itself.
  public var name: String

  /// A board with its name.
  public init(id: BoardID, name: String) {
    self.id = id
    self.name = name
  }
}

/// A finished or running transfer as notices speak of it.
public struct TransferNotice: Hashable, Sendable {
  /// What it moves.
  public var kind: ObjectKind
  /// Which way.
  public var direction: Direction
  /// Bytes at the receiver.
  public var delivered: UInt32
  /// Bytes in all.
  public var total: UInt32
  /// Bytes the receiver held before.
  public var resumedFrom: UInt32
  /// Bytes sent again.
  public var retransmitted: UInt32
  /// Microseconds since it began.
  public var elapsed: UInt64

  /// Bytes a second that this transfer moved; nil before anything did.
  public var rate: Double? {
    let moved = delivered - min(resumedFrom, delivered)
    return moved > 0 && elapsed > 0 ? Double(moved) * 1_000_000 / Double(elapsed) : nil
  }
}

/// Something that a person who watches wants to know.
public enum GatewayNotice: Sendable {
  /// A link opened; the board on it is not known yet.
  case linkOpened(Carrier)
  /// A link is gone.
  case linkClosed(Carrier, BoardLabel?, reason: String)
  /// A board answered. `before` is where it was when it was here last, if that was another place.
  case boardJoined(BoardLabel, Carrier, before: Carrier?, Welcome)
  /// A session ended; the gateway greets again unless the link is gone.
  case boardLeft(BoardLabel, Carrier, SessionEnd)
  /// A link is closed for what is on it.
  case linkRefused(Carrier, LinkRefusal)
  /// Nobody answers greetings on a link.
  case silent(Carrier, seconds: Int)
  /// An object moves.
  case transferring(BoardLabel, TransferNotice)
  /// An object is delivered, verified and stored.
  case transferred(BoardLabel, TransferNotice)
  /// The board holds the model already.
  case modelHeld(BoardLabel, ModelVersion)
  /// A board reports on training.
  case training(BoardLabel, TrainingReport)
  /// A board reports on an evaluation.
  case evaluated(BoardLabel, ModelVersion, Rounds.EvaluationReport)
  /// A contribution is durable.
  case contributed(BoardLabel, Rounds.Contribution, have: Int)
  /// How the board's updates are coded from now on, or the deltas that all boards get.
  case coding(BoardLabel?, CodingChoice)
  /// What the losses say about compression, in words.
  case compressionLimited(String)
  /// An update was not accepted.
  case updateRefused(BoardLabel, RoundNumber, reason: String)
  /// A board cannot do what it was asked.
  case boardProblem(BoardLabel, String)
  /// A line of a board's own log.
  case boardLog(BoardLabel, LogLine)
  /// A damaged frame, or one that no peer may send.
  case linkFault(BoardLabel?, Carrier, String)
  /// What the round coordinator wants known.
  case round(RoundAction, BoardLabel?)
}

/// What the engine wants done by whoever runs it.
public enum GatewayAction: Sendable {
  /// Look the board up, note that it is there, and answer with `boardIdentified`: with the secret by which it will pair
  /// over the air if it wants one.
  case identify(LinkID, BoardID, firmware: String, carrier: Carrier, wantsSecret: Bool)
  /// Make a contribution durable; answer with `contributionStored` or `contributionNotStored`.
  case store(Rounds.Contribution, payload: [UInt8])
  /// Keep a piece of an update under way, so that it need not be sent again after a restart.
  case keepPiece(BoardID, ObjectName, start: UInt32, [UInt8])
  /// Note an update that does not count, in the ledger.
  case recordDiscarded(Rounds.Contribution, isLate: Bool, reason: String)
  /// Average the stored contributions of these boards, and code the delta to the result so; answer with
  /// `aggregated` or `aggregationFailed`.
  case aggregate(RoundNumber, [BoardID], UpdateCoding)
  /// Note how a model did on the boards' own examples.
  case recordEvaluation(ModelVersion, Rounds.EvaluationReport)
  /// Close a link, and leave it closed for a while.
  case close(LinkID, LinkRefusal)
  /// The engine has finished.
  case finished(FinishReason)
  /// Tell people.
  case notice(GatewayNotice)
}
