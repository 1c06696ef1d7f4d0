import Digests
import Gateway
import Rounds

/// What the gateway's store keeps, in memory: survives a simulated crash of the gateway, unlike what was on its
/// way.
final class MemoryLedger {
  private(set) var round = RoundNumber.first
  private(set) var model: CurrentModel
  private(set) var contributions: [RoundNumber: [BoardID: (Rounds.Contribution, [UInt8])]] = [:]
  /// Boards averaged in each finished round.
  private(set) var counted: [RoundNumber: [BoardID]] = [:]
  private(set) var parameters: [[Float]] = []

  init(_ first: AggregatedModel) {
    model = CurrentModel(
      version: ModelVersion(number: 0, hash: SHA256.hash(of: first.snapshot.span)),
      description: first.description, snapshot: first.snapshot)
  }

  var recovered: RecoveredState {
    RecoveredState(
      round: round, base: model.version,
      contributions: (contributions[round] ?? [:]).values.map(\.0).sorted { $0.board < $1.board })
  }

  /// Keeps a contribution; false if the board has another one in this round.
  func store(_ contribution: Rounds.Contribution, _ payload: [UInt8]) -> Bool {
    precondition(contribution.round == round && contribution.base == model.version.hash)
    if let existing = contributions[round]?[contribution.board] {
      return existing.0.update == contribution.update
    }
    contributions[round, default: [:]][contribution.board] = (contribution, payload)
    return true
  }

  /// Averages, keeps the result and opens the next round.
  func close(_ number: RoundNumber, _ boards: [BoardID]) throws -> CurrentModel {
    precondition(number == round)
    let stored = contributions[round] ?? [:]
    precondition(boards == stored.keys.sorted())
    let updates = boards.compactMap { stored[$0] }.map { (examples: $0.0.examples, payload: $0.1) }
    let next = try RoundAggregation.next(
      from: updates, base: model.snapshot, version: model.version.number + 1)
    model = CurrentModel(
      version: ModelVersion(
        number: model.version.number + 1, hash: SHA256.hash(of: next.snapshot.span)),
      description: next.description, snapshot: next.snapshot)
    counted[round] = boards
    parameters.append(next.parameters)
    round = round.next
    return model
  }
}
