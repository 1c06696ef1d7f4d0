import Baselines
import Datasets
import Digests
import Gateway
import GatewayService
import GatewayStore
import Rounds
import Testing
import TrainingCore
import UpdateCodec

/// The identity that the gateway gives its virtual board number `number`, from 1.
func virtualBoard(_ number: Int) -> BoardID { BoardID(0xf0_0d00_0000 + UInt64(number)) }

extension Experiment {
  /// The parameters after some rounds of federated averaging in memory: no link, no process, no failure. What a coding
  /// leaves out of an update is added to the board's next one, and what it leaves out of a model to the next model.
  func parametersInMemory(after rounds: Int, coding: UpdateCoding = .float32) throws -> [Float] {
    let first = RoundAggregation.snapshot(of: model, version: 0, parameters: start)
    var global = CurrentModel(
      version: ModelVersion(number: 0, hash: SHA256.hash(of: first.snapshot.span)), description: model,
      snapshot: first.snapshot)
    var parameters = start
    var leftOut = shards.map { _ in [Float](repeating: 0, count: model.parameterCount) }
    var residual: [Float] = []
    for round in 0..<rounds {
      var updates: [(examples: UInt32, payload: [UInt8])] = []
      for (board, shard) in shards.enumerated() {
        let trained = try train(model, hyperparameters.forRound(round), from: parameters, on: shard)
        var difference = zip(trained, parameters).map { $0 - $1 }
        for i in difference.indices { difference[i] += leftOut[board][i] }
        let examples = UInt32(shard.indices(of: .train).count)
        let header = UpdateHeader(
          coding: coding, round: UInt32(round + 1), examples: examples,
          parameterCount: UInt32(model.parameterCount), loss: 0, base: DigestTag(global.version.hash))
        updates.append((examples, header.object(coding: &difference, for: model)))
        leftOut[board] = difference
      }
      let result = try RoundAggregation.next(from: updates, base: global, coding: coding, residual: residual)
      residual = result.residual
      parameters = result.model.parameters
      let hash = SHA256.hash(of: result.model.snapshot.span)
      global = global.next(result, as: ModelVersion(number: global.version.number + 1, hash: hash))
    }
    return parameters
  }
}

extension GatewayStore {
  /// The parameters of the newest model of a run, bit by bit.
  func newestParameters(of run: RunID) throws -> [UInt32] {
    let base = try recoveredState(of: run).base
    return try RoundAggregation.parameters(of: snapshot(base.number, of: run)).1.map(\.bitPattern)
  }

  /// Expects that `rounds` rounds are held and that in each of them every one of `boards` counts once and
  /// nobody else.
  func expectEachOnce(
    _ boards: [BoardID], in rounds: Int, of run: RunID, log: LineCollector? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let finished = try self.rounds(of: run).filter { $0.result != nil }
    #expect(finished.count == rounds, sourceLocation: sourceLocation)
    for round in finished {
      let counted = try contributions(to: round.number, of: run).filter { $0.status == .counted }
      #expect(
        counted.map(\.contribution.board) == boards, "round \(round.number)\n\(log?.tail ?? "")",
        sourceLocation: sourceLocation)
      #expect(counted.allSatisfy { $0.times == 1 }, sourceLocation: sourceLocation)
      #expect(round.contributions == boards.count, sourceLocation: sourceLocation)
    }
  }
}

/// The run that a new state directory begins with.
let firstRun = RunID(rawValue: 1)
