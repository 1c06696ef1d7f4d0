/// How many contributions a round needs before its deadline may close it.
public enum Quorum: Hashable, Sendable {
  /// This many boards, however many are there.
  case boards(Int)
  /// This part of the boards that take part in the round, in (0, 1], rounded up, at least one.
  case fraction(Double)

  /// Contributions needed when `participants` boards take part; at least 1.
  func contributionsNeeded(of participants: Int) -> Int {
    switch self {
    case .boards(let count): max(1, count)
    // A tiny step back before rounding up: 0.7 × 10 is 7.000000000000001 in binary, and means 7.
    case .fraction(let part): max(1, Int((part * Double(participants) - 1e-9).rounded(.up)))
    }
  }
}

/// The rules by which rounds are held. Made once from the configuration; checked when made.
public struct RoundPolicy: Hashable, Sendable {
  /// How many boards to wait for before the first round after a start. See ``startGrace``.
  public let minimumBoards: Int
  /// How long to wait for ``minimumBoards`` once the first board is there; then the round begins with those
  /// that came. Waiting for ever for a board that lies in a drawer would help nobody.
  public let startGrace: Duration
  /// Contributions that a round needs to be closed.
  public let quorum: Quorum
  /// How long a round collects. When it is over, a round with quorum closes, one without goes on.
  public let roundDeadline: Duration
  /// How long a board may be silent while it receives, evaluates or trains, before it counts as failed.
  public let boardDeadline: Duration
  /// How long a round that could otherwise close waits for a board that was just lost to come back. A reset
  /// board or a USB hub that stumbled is back within seconds.
  public let reconnectGrace: Duration
  /// The pause after a board's first failure in a round; each further failure doubles it.
  public let retryDelay: Duration
  /// How often a board may fail in one round before the round goes on without it.
  public let maximumAttemptsPerBoard: Int
  /// The number of rounds of the run; nil for one without end.
  public let maximumRounds: UInt32?
  /// Whether boards are asked to evaluate each model on their own held-out examples.
  public let evaluatesOnBoards: Bool

  /// Makes a policy.
  ///
  /// - Throws: ``RoundPolicyError`` naming the first value that makes no sense.
  public init(
    minimumBoards: Int = 1, startGrace: Duration = .seconds(30), quorum: Quorum = .fraction(0.5),
    roundDeadline: Duration = .seconds(300), boardDeadline: Duration = .seconds(30),
    reconnectGrace: Duration = .seconds(5), retryDelay: Duration = .milliseconds(500),
    maximumAttemptsPerBoard: Int = 3, maximumRounds: UInt32? = nil, evaluatesOnBoards: Bool = true
  ) throws(RoundPolicyError) {
    guard minimumBoards >= 1 else { throw .minimumBoards(minimumBoards) }
    switch quorum {
    case .boards(let count): guard count >= 1 else { throw .quorum(quorum) }
    case .fraction(let part): guard part > 0, part <= 1 else { throw .quorum(quorum) }
    }
    // Shorter ones would be over within one reading of the clock and make the driver spin.
    let shortest = Duration.milliseconds(1)
    guard roundDeadline >= shortest else { throw .roundDeadline(roundDeadline) }
    guard boardDeadline >= shortest else { throw .boardDeadline(boardDeadline) }
    guard retryDelay >= shortest else { throw .retryDelay(retryDelay) }
    guard maximumAttemptsPerBoard >= 1 else { throw .maximumAttemptsPerBoard(maximumAttemptsPerBoard) }
    guard maximumRounds != 0 else { throw .maximumRounds }
    self.minimumBoards = minimumBoards
    self.startGrace = max(.zero, startGrace)
    self.quorum = quorum
    self.roundDeadline = roundDeadline
    self.boardDeadline = boardDeadline
    self.reconnectGrace = max(.zero, reconnectGrace)
    self.retryDelay = retryDelay
    self.maximumAttemptsPerBoard = maximumAttemptsPerBoard
    self.maximumRounds = maximumRounds
    self.evaluatesOnBoards = evaluatesOnBoards
  }

  /// The pause after the `attempt`-th failure (from 1) of a board in a round: it doubles each time, and stays
  /// within ``boardDeadline`` or the first pause, whichever is longer.
  func pause(afterAttempt attempt: Int) -> Duration {
    let doubled = retryDelay * (1 << min(max(0, attempt - 1), 16))
    return min(doubled, max(boardDeadline, retryDelay))
  }
}

/// A value of a ``RoundPolicy`` that makes no sense.
public enum RoundPolicyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Fewer than one board to wait for.
  case minimumBoards(Int)
  /// Fewer than one board, or a part outside (0, 1].
  case quorum(Quorum)
  /// Shorter than a millisecond.
  case roundDeadline(Duration)
  /// Shorter than a millisecond.
  case boardDeadline(Duration)
  /// Shorter than a millisecond.
  case retryDelay(Duration)
  /// Fewer than one attempt.
  case maximumAttemptsPerBoard(Int)
  /// Zero rounds.
  case maximumRounds

  /// What is wrong and what to write instead.
  public var description: String {
    switch self {
    case .minimumBoards(let count): "minimum boards is \(count); use 1 or more"
    case .quorum(.boards(let count)): "the quorum is \(count) boards; use 1 or more"
    case .quorum(.fraction(let part)): "the quorum is the fraction \(part); use a number above 0, at most 1"
    case .roundDeadline(let time): "the round deadline is \(time); use 1 ms or more"
    case .boardDeadline(let time): "the board deadline is \(time); use 1 ms or more"
    case .retryDelay(let time): "the retry delay is \(time); use 1 ms or more"
    case .maximumAttemptsPerBoard(let count): "\(count) attempts per board; use 1 or more"
    case .maximumRounds: "0 rounds; use 1 or more, or leave the number out for a run without end"
    }
  }
}
