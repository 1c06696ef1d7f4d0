import Foundation
import Rounds
import Testing

@testable import GatewayStore

@Suite struct RoundTests {
  @Test func `A contribution is there once, however often it is said, and over restarts`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    #expect(try store.recordContribution(update(rose), run: run.id, at: time(1)) == .stored)
    #expect(try store.recordContribution(update(rose), run: run.id, at: time(2)) == .alreadyThere)
    #expect(
      try store.recordContribution(update(rose, payload: 5), run: run.id, at: time(2)) == .anotherThere)
    try store.close()
    let opened = try directory.open()
    #expect(try opened.recordContribution(update(rose), run: run.id, at: time(3)) == .alreadyThere)
    #expect(
      try opened.contributions(to: .first, of: run.id) == [
        ContributionRecord(
          contribution: update(rose).contribution, status: .counted, reason: nil, receivedAt: time(1),
          times: 1)
      ])
    #expect(try opened.payload(of: update(rose).contribution) == update(rose).payload)
    #expect(
      try opened.recoveredState(of: run.id).contributions == [update(rose).contribution])
  }

  @Test func `Several contributions are stored together or not at all`() throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    #expect(throws: StoreError.unknownBoard(BoardID(1))) {
      try store.recordContributions([update(rose), update(BoardID(1))], run: run.id, at: time(1))
    }
    #expect(try store.contributions(to: .first, of: run.id).isEmpty)
    #expect(
      try store.recordContributions([update(rose), update(fern), update(rose)], run: run.id, at: time(1))
        == [.stored, .stored, .alreadyThere])
  }

  @Test func `What does not belong to the open round is not counted`() throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    #expect(throws: StoreError.roundNotOpen(RoundNumber(2), open: .first)) {
      try store.recordContribution(update(rose, 2), run: run.id, at: time(1))
    }
    #expect(throws: StoreError.wrongBase(.first)) {
      try store.recordContribution(update(rose, 1, base: 8), run: run.id, at: time(1))
    }
    let misnamed = NewContribution(update(rose).contribution, payload: [1, 2, 3])
    #expect(throws: StoreError.objectDamaged(update(rose).contribution.update)) {
      try store.recordContribution(misnamed, run: run.id, at: time(1))
    }
    #expect(try store.contributions(to: .first, of: run.id).isEmpty)
  }

  @Test func `Closing a round keeps the model, opens the next round and forgets the updates in one step`()
    throws
  {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    try store.hold(1, of: run.id)
    try store.recordEvaluation(
      #require(EvaluationReport(count: 100, correct: 90, lossSum: 25)), by: .gateway, ofModel: 1, run: run.id)
    try store.close()
    let opened = try directory.open()
    let version1 = ModelVersion(number: 1, hash: digest(bytes(1)))
    #expect(
      try opened.recoveredState(of: run.id)
        == RecoveredState(round: RoundNumber(2), base: version1, contributions: []))
    let rounds = try opened.rounds(of: run.id)
    #expect(rounds.map(\.result) == [1, nil])
    #expect(rounds[0].contributions == 2)
    #expect(rounds[0].cost == cost)
    #expect(rounds[0].evaluations[.gateway]?.accuracy == 0.9)
    let record = try opened.model(1, of: run.id)
    #expect(record.version == version1)
    #expect(record.parent == 0)
    #expect(record.round == .first)
    #expect(record.byteCount == 500)
    #expect(record.description == [1, 2, 3])
    #expect(try opened.snapshot(1, of: run.id) == bytes(1))
    #expect(try opened.objectCount() == 2)
    #expect(throws: StoreError.objectMissing(update(rose).contribution.update)) {
      try opened.payload(of: update(rose).contribution)
    }
    // The ledger remembers for ever.
    #expect(try opened.contributions(to: .first, of: run.id).count == 2)
  }

  @Test func `Closing a round twice with the same model does nothing the second time`() throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    try store.hold(1, of: run.id)
    let again = try store.commitRound(
      .first, of: run.id, counted: [rose, fern], result: weights(1), cost: cost, at: time(5))
    #expect(again.number == 1)
    #expect(throws: StoreError.roundNotOpen(.first, open: RoundNumber(2))) {
      try store.commitRound(
        .first, of: run.id, counted: [rose, fern], result: weights(9), cost: cost, at: time(5))
    }
    #expect(try store.models(of: run.id).count == 2)
  }

  @Test(arguments: [[], [rose], [rose, fern, BoardID(3)], [rose, rose]])
  func `A round is only closed over exactly the stored contributions`(counted: [BoardID]) throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    for board in [rose, fern] { _ = try store.recordContribution(update(board), run: run.id, at: time(1)) }
    let error = #expect(throws: StoreError.self) {
      try store.commitRound(.first, of: run.id, counted: counted, result: weights(1), cost: cost, at: time(2))
    }
    #expect(error?.code == "store-counted-differ")
    #expect(try store.recoveredState(of: run.id).contributions.count == 2)
    #expect(try store.models(of: run.id).count == 1)
  }

  @Test func `Late and refused updates are noted beside the one that counts, and repeats only count up`()
    throws
  {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    let contribution = update(rose).contribution
    for second in 1...3 {
      try store.recordDiscarded(
        contribution, as: .refused, reason: "norm too large", run: run.id, at: time(second))
    }
    try store.hold(1, of: run.id)
    try store.recordDiscarded(contribution, as: .late, reason: "round 2 is open", run: run.id, at: time(9))
    // Rounds that a board made up do not make rows of their own.
    for round in [0, 5, 4_000_000_000] {
      try store.recordDiscarded(
        update(fern, round, base: 0).contribution, as: .refused, reason: "no such round", run: run.id,
        at: time(9))
    }
    let ledger = try store.contributions(to: .first, of: run.id).filter { $0.contribution.board == rose }
    #expect(ledger.map(\.status) == [.counted, .late, .refused])
    #expect(ledger.map(\.times) == [1, 1, 3])
    #expect(ledger[2].reason == "norm too large")
    #expect(ledger[2].receivedAt == time(1))
    #expect(try store.contributions(to: RoundNumber(2), of: run.id).map(\.times) == [2])
    #expect(try store.rounds(of: run.id)[0].contributions == 2)
  }

  @Test func `A contribution that was taken back may be given again`() throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    _ = try store.recordContribution(update(rose), run: run.id, at: time(1))
    try store.withdrawContribution(of: rose, to: .first, run: run.id, reason: "not finite", at: time(2))
    try store.withdrawContribution(of: fern, to: .first, run: run.id, reason: "not there", at: time(2))
    #expect(try store.recoveredState(of: run.id).contributions.isEmpty)
    #expect(try store.objectCount() == 1)
    #expect(try store.recordContribution(update(rose), run: run.id, at: time(3)) == .stored)
  }

  @Test func `Snapshots of old models are deleted, their rows stay`() throws {
    let store = try TemporaryDirectory().open(keptModels: 2)
    let run = try store.prepared()
    for round in 1...4 { try store.hold(round, of: run.id) }
    #expect(try store.models(of: run.id).map(\.isKept) == [false, false, false, true, true])
    #expect(try store.snapshot(3, of: run.id) == bytes(3))
    #expect(throws: StoreError.snapshotNotKept(model: 2)) { try store.snapshot(2, of: run.id) }
    #expect(throws: StoreError.unknownModel(5)) { try store.snapshot(5, of: run.id) }
    #expect(try store.objectCount() == 2)
  }

  @Test func `A model that comes back to an earlier one shares its bytes and keeps them`() throws {
    let store = try TemporaryDirectory().open(keptModels: 1)
    let run = try store.prepared()
    _ = try store.recordContribution(update(rose), run: run.id, at: time(1))
    // All updates were zero: the result is the base.
    let version = try store.commitRound(
      .first, of: run.id, counted: [rose], result: weights(0), cost: cost, at: time(1))
    #expect(version.hash == digest(bytes(0)))
    #expect(try store.snapshot(1, of: run.id) == bytes(0))
  }

  @Test func `Missing and damaged objects are told by their hash`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    for board in [rose, fern] { _ = try store.recordContribution(update(board), run: run.id, at: time(1)) }
    try store.close()
    let (lost, damaged) = (update(rose).contribution, update(fern).contribution)
    try directory.tamper("DELETE FROM objects WHERE hash = '\(lost.update)'")
    try directory.tamper(
      "UPDATE objects SET bytes = CAST(x'00' || substr(bytes, 2) AS BLOB) WHERE hash = '\(damaged.update)'")
    let opened = try directory.open()
    #expect(throws: StoreError.objectMissing(lost.update)) { try opened.payload(of: lost) }
    #expect(throws: StoreError.objectDamaged(damaged.update)) { try opened.payload(of: damaged) }
    #expect(try opened.snapshot(0, of: run.id) == bytes(0))
    // Taken back and given again, the bytes are right again.
    try opened.withdrawContribution(of: fern, to: .first, run: run.id, reason: "damaged", at: time(2))
    #expect(try opened.recordContribution(update(fern), run: run.id, at: time(3)) == .stored)
    #expect(try opened.payload(of: damaged) == update(fern).payload)
  }
}
