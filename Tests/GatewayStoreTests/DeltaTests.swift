import Foundation
import GRDB
import Rounds
import Testing

@testable import GatewayStore

@Suite struct DeltaTests {
  private func model(_ number: Int, deltaLength: Int) -> NewModel {
    NewModel(
      snapshot: bytes(number), description: [1, 2, 3],
      delta: NewDelta(bytes: bytes(5000 + number, count: deltaLength), coding: "step"))
  }

  /// Closes round `number` with model `number`.
  private func close(
    _ number: Int, _ store: GatewayStore, _ run: RunID, deltaLength: Int, residual: [UInt8]? = nil
  ) throws {
    _ = try store.recordContribution(update(rose, number), run: run, at: time(number))
    _ = try store.commitRound(
      RoundNumber(UInt32(number)), of: run, counted: [rose], result: model(number, deltaLength: deltaLength),
      residual: residual, cost: cost, at: time(number))
  }

  @Test func `Deltas form a chain to the newest model, over restarts`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    for number in 1...3 { try close(number, store, run.id, deltaLength: 50) }
    try store.close()
    let chain = try directory.open().deltas(of: run.id)
    #expect(chain.map(\.base.number) == [0, 1, 2])
    #expect(chain.map(\.result.number) == [1, 2, 3])
    #expect(chain.map(\.bytes) == (1...3).map { bytes(5000 + $0, count: 50) })
    #expect(chain.map(\.result.hash) == (1...3).map { digest(bytes($0)) })
  }

  @Test func `A delta is kept while going from before it takes fewer bytes than the snapshot`() throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    // Snapshots have 500 bytes: four deltas of 120 are worth it, five are not.
    for number in 1...8 { try close(number, store, run.id, deltaLength: 120) }
    #expect(try store.deltas(of: run.id).map(\.result.number) == [5, 6, 7, 8])
    // One that is longer than the snapshot is of no use, and neither is what is before it.
    try close(9, store, run.id, deltaLength: 600)
    #expect(try store.deltas(of: run.id).isEmpty)
    let objects = try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM objects") }
    let kept = try store.models(of: run.id).filter(\.isKept).count
    #expect(objects == kept)
  }

  @Test func `A damaged delta ends the chain at the next one`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    for number in 1...3 { try close(number, store, run.id, deltaLength: 50) }
    try store.close()
    try directory.tamper(
      "UPDATE objects SET bytes = x'00' WHERE hash = (SELECT delta FROM models WHERE number = 2)")
    #expect(try directory.open().deltas(of: run.id).map(\.result.number) == [3])
  }

  @Test func `The residual is that of the newest model, or nothing`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    #expect(try store.residual(of: run.id) == nil)
    try close(1, store, run.id, deltaLength: 50, residual: bytes(7))
    try close(2, store, run.id, deltaLength: 50, residual: bytes(8))
    #expect(try store.residual(of: run.id) == bytes(8))
    // A crash leaves the one that belongs to the model that is there.
    let copy = try directory.afterCrash()
    #expect(try copy.open().residual(of: run.id) == bytes(8))
    try close(3, store, run.id, deltaLength: 50)
    #expect(try store.residual(of: run.id) == nil)
  }

  @Test func `A new run begins without deltas and residual of the old one, under another tag`() throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    try close(1, store, run.id, deltaLength: 50, residual: bytes(7))
    let next = try store.startRun(settings: settings, initialModel: weights(0), at: time(9))
    #expect(next.tag != run.tag && next.tag != 0)
    #expect(try store.residual(of: run.id) == nil && store.deltas(of: run.id).isEmpty)
    #expect(try store.residual(of: next.id) == nil && store.deltas(of: next.id).isEmpty)
  }

  @Test func `A database of version 1 is brought to this version`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    _ = try store.recordContribution(update(rose), run: run.id, at: time(1))
    try store.close()
    try directory.tamper(
      """
      DROP TABLE cable_secrets; DROP TABLE bluetooth_bonds;
      DROP TABLE residuals; DROP TABLE pieces; ALTER TABLE runs DROP COLUMN tag;
      ALTER TABLE rounds DROP COLUMN bytes_again; ALTER TABLE rounds DROP COLUMN bytes_resumed;
      ALTER TABLE models DROP COLUMN delta; ALTER TABLE models DROP COLUMN delta_bytes;
      ALTER TABLE models DROP COLUMN delta_coding; PRAGMA user_version = 1;
      """)
    let opened = try directory.open()
    #expect(try opened.recoveredState(of: run.id).contributions == [update(rose).contribution])
    try close(1, opened, run.id, deltaLength: 50)
    #expect(try opened.deltas(of: run.id).count == 1)
  }
}
