import Gateway
import GatewayService
import GatewayStore
import Rounds
import Testing
import UpdateCodec

import struct FederationSimulation.ReferenceFederation

/// The identity that the gateway gives its virtual board number `number`, from 1.
func virtualBoard(_ number: Int) -> BoardID { BoardID(0xf0_0d00_0000 + UInt64(number)) }

extension Experiment {
  /// The parameters after some rounds of federated averaging in memory: no link, no process, no failure.
  func parametersInMemory(after rounds: Int, coding: UpdateCoding = .float32) throws -> [Float] {
    let federation = ReferenceFederation(
      model: model, shards: shards, hyperparameters: hyperparameters, start: start, coding: coding)
    return try federation.parameters(after: rounds).last ?? start
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
