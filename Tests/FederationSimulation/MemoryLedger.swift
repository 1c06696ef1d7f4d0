import Digests
public import Gateway
import LinkProtocol
public import Rounds
import UpdateCodec

/// What the gateway's store keeps, in memory: survives a simulated crash of the gateway, unlike what was on its
/// way.
public final class MemoryLedger {
  /// The open round.
  public private(set) var round = RoundNumber.first
  /// The model of the open round.
  public private(set) var model: CurrentModel
  private(set) var contributions: [RoundNumber: [BoardID: (Rounds.Contribution, [UInt8])]] = [:]
  /// Boards averaged in each finished round.
  public private(set) var counted: [RoundNumber: [BoardID]] = [:]
  /// Of the model after each finished round.
  public private(set) var parameters: [[Float]] = []
  private(set) var residual: [Float] = []
  /// Pieces of updates under way.
  private(set) var partials: [BoardID: PartialUpdate] = [:]

  init(_ first: AggregatedModel) {
    model = CurrentModel(first: first)
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

  /// Keeps a piece of an update that goes on where the ones before end.
  func keep(_ piece: [UInt8], of name: ObjectName, from board: BoardID, at start: UInt32) {
    let before = partials[board].flatMap { $0.name == name ? $0.content : nil } ?? []
    guard before.count == Int(start) else { return }
    partials[board] = PartialUpdate(board: board, name: name, content: before + piece)
  }

  /// Each board's last update that counts.
  var lastCounted: [BoardID: Digest32] {
    var last: [BoardID: Digest32] = [:]
    for (_, stored) in contributions.sorted(by: { $0.key < $1.key }) {
      for (board, entry) in stored { last[board] = entry.0.update }
    }
    return last
  }

  /// Whether an update counts in two rounds.
  var countedTwice: Bool {
    let updates = contributions.values.flatMap { $0.values.map(\.0.update) }
    return Set(updates).count != updates.count
  }

  /// Averages, keeps the result and opens the next round.
  func close(_ number: RoundNumber, _ boards: [BoardID], _ coding: UpdateCoding) throws -> CurrentModel {
    precondition(number == round)
    let stored = contributions[round] ?? [:]
    precondition(boards == stored.keys.sorted())
    let updates = boards.compactMap { stored[$0] }.map { (examples: $0.0.examples, payload: $0.1) }
    let next = try RoundAggregation.next(from: updates, base: model, coding: coding, residual: residual)
    residual = next.residual
    model = model.next(
      next,
      as: ModelVersion(
        number: model.version.number + 1, hash: SHA256.hash(of: next.model.snapshot.span)))
    counted[round] = boards
    parameters.append(next.model.parameters)
    round = round.next
    return model
  }
}
