import Digests
import PropertyTesting
import Rounds

extension SeededGenerator {
  /// True in this many of a hundred cases.
  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// A digest that stands for some content; equal numbers, equal content.
func hash(_ number: UInt64) -> Digest32 {
  let bytes = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  return SHA256.hash(of: bytes.span)
}

func version(_ number: UInt32) -> ModelVersion { ModelVersion(number: number, hash: hash(UInt64(number))) }

func seconds(_ number: Int) -> MonotonicTime { MonotonicTime(microseconds: UInt64(number) * 1_000_000) }

let a = BoardID(0xa)
let b = BoardID(0xb)
let c = BoardID(0xc)
let d = BoardID(0xd)

/// An update of a board for a round that started from `version(base)`.
func update(
  _ board: BoardID, _ round: UInt32 = 1, base: UInt32 = 0, content: UInt64 = 100, examples: UInt32 = 10,
  loss: Float? = 0.5
) -> Contribution {
  Contribution(
    board: board, round: RoundNumber(round), base: hash(UInt64(base)),
    update: hash(content &+ board.rawValue << 32), examples: examples, trainingLoss: loss)
}

func report(_ count: Int, _ correct: Int, _ lossSum: Double) -> EvaluationReport {
  guard let report = EvaluationReport(count: count, correct: correct, lossSum: lossSum) else {
    fatalError("not a possible report")
  }
  return report
}

/// A coordinator at the start of a run, started at 0 s.
func coordinator(
  minimumBoards: Int = 1, startGrace: Int = 30, quorum: Quorum = .fraction(0.5), attempts: Int = 3,
  rounds: UInt32? = nil, evaluates: Bool = false, reconnectGrace: Int = 5, contributions: [Contribution] = [],
  round: UInt32 = 1
) throws -> RoundCoordinator {
  let policy = try RoundPolicy(
    minimumBoards: minimumBoards, startGrace: .seconds(startGrace), quorum: quorum,
    roundDeadline: .seconds(300), boardDeadline: .seconds(30), reconnectGrace: .seconds(reconnectGrace),
    retryDelay: .seconds(1), maximumAttemptsPerBoard: attempts, maximumRounds: rounds,
    evaluatesOnBoards: evaluates)
  var coordinator = RoundCoordinator(
    policy: policy,
    recovering: RecoveredState(
      round: RoundNumber(round), base: version(round - 1), contributions: contributions))
  _ = coordinator.start(now: seconds(0))
  return coordinator
}

extension RoundCoordinator {
  /// Lets the board go the whole way from where it trains to a durable contribution.
  mutating func contribute(_ contribution: Contribution, at time: Int) -> [RoundAction] {
    updateArrived(contribution, verdict: .sound, now: seconds(time))
      + contributionStored(contribution.board, contribution.round, now: seconds(time))
  }
}

extension [RoundAction] {
  /// The boards that an aggregation was ordered for, nil without one.
  var aggregated: [BoardID]? {
    for case .aggregate(_, let boards) in self { return boards }
    return nil
  }
}
