import Baselines
import Datasets
import Foundation
import Gateway
import GatewayStore
import Rounds
import UpdateCodec

/// What closing a round takes besides the engine: reading updates, averaging, storing, judging the result.
struct RoundWork: Sendable {
  let store: GatewayStore
  let run: RunID
  let experiment: Experiment

  /// What became of an aggregation.
  enum Outcome: Sendable {
    case done(CurrentModel, Score?)
    /// Updates of these boards could not be used; the store has withdrawn them.
    case unusable([BoardID], String)
    case failed(String)
  }

  /// Averages the stored contributions of a round and makes the result durable.
  func aggregate(
    _ round: RoundNumber, _ boards: [BoardID], base: CurrentModel, coding: UpdateCoding, cost: RoundCost
  ) async -> Outcome {
    do {
      let records = try await store.perform { store throws(StoreError) in
        try store.contributions(to: round, of: run)
      }
      let counted = records.filter { $0.status == .counted }.map(\.contribution)
        .filter { boards.contains($0.board) }
      var updates: [(examples: UInt32, payload: [UInt8])] = []
      var unusable: [BoardID] = []
      for contribution in counted {
        do {
          updates.append((contribution.examples, try store.payload(of: contribution)))
        } catch {
          switch error {
          case .objectMissing, .objectDamaged: unusable.append(contribution.board)
          default: throw error
          }
        }
      }
      guard unusable.isEmpty else { return try await withdraw(unusable, from: round) }
      let next = try RoundAggregation.next(
        from: updates, base: base, coding: coding, residual: try residual())
      let result = NewModel(
        snapshot: next.model.snapshot, description: next.model.encodedDescription,
        delta: next.delta.map { NewDelta(bytes: $0.bytes, coding: $0.coding.words) })
      let rest = next.residual.isEmpty ? nil : RoundAggregation.bytes(of: next.residual)
      let time = Date()
      let version = try await store.perform { store throws(StoreError) in
        try store.commitRound(
          round, of: run, counted: boards, result: result, residual: rest, cost: cost, at: time)
      }
      return .done(base.next(next, as: version), try await judge(next.model, version))
    } catch {
      return .failed(String(describing: error))
    }
  }

  /// What the coding of the last delta left out. If it cannot be read it is lost, which costs that much of one
  /// round's learning and nothing else.
  private func residual() throws(StoreError) -> [Float] {
    do {
      return try store.residual(of: run).map(RoundAggregation.floats) ?? []
    } catch {
      switch error {
      case .objectMissing, .objectDamaged: return []
      default: throw error
      }
    }
  }

  private func withdraw(_ boards: [BoardID], from round: RoundNumber) async throws -> Outcome {
    let reason = "its stored bytes are damaged"
    let time = Date()
    for board in boards {
      try await store.perform { store throws(StoreError) in
        try store.withdrawContribution(of: board, to: round, run: run, reason: reason, at: time)
      }
    }
    return .unusable(boards, reason)
  }

  /// Evaluates a model on the held-out examples and notes the result.
  private func judge(_ model: AggregatedModel, _ version: ModelVersion) async throws -> Score? {
    guard experiment.test.count > 0 else { return nil }
    let score = try evaluate(model.description, model.parameters, on: experiment.test)
    let correct = (score.accuracy * Double(experiment.test.count)).rounded()
    if let report = EvaluationReport(
      count: experiment.test.count, correct: Int(correct),
      lossSum: score.loss * Double(experiment.test.count))
    {
      try await store.perform { store throws(StoreError) in
        try store.recordEvaluation(report, by: .gateway, ofModel: version.number, run: run)
      }
    }
    return score
  }
}
