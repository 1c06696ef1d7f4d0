import Rounds
import Testing

@testable import GatewayStore

@Suite struct RunTests {
  @Test func `The same settings go on with the run, whatever else the caller brings`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    try store.hold(1, of: run.id)
    try store.close()
    let again = try directory.open().openRun(settings: settings, initialModel: weights(77), at: time(9))
    #expect(again == OpenedRun(run: run, isNew: false))
  }

  @Test func `Other settings are refused with every difference named`() throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    let error = #expect(throws: StoreError.self) {
      try store.openRun(
        settings: ["dataset": "exercises", "seed": "7", "people": "10"], initialModel: weights(0), at: time(1)
      )
    }
    #expect(
      error?.cause
        == "another run is under way (dataset: digits → exercises, people: none → 10, split: iid → none)")
    #expect(try store.runUnderWay() == run)
  }

  @Test func `A new run begins at round 1 and the old one stays readable`() throws {
    let store = try TemporaryDirectory().open()
    let old = try store.prepared()
    try store.hold(1, of: old.id)
    _ = try store.recordContribution(update(rose, 2), run: old.id, at: time(2))
    let new = try store.openRun(
      settings: ["dataset": "exercises"], initialModel: weights(50), ifDifferent: .startNew, at: time(3))
    #expect(new.isNew)
    #expect(try store.runs().map(\.endedAt) == [time(3), nil])
    #expect(
      try store.recoveredState(of: new.run.id)
        == RecoveredState(
          round: .first, base: ModelVersion(number: 0, hash: digest(bytes(50))), contributions: []))
    #expect(try store.rounds(of: old.id).map(\.contributions) == [2, 1])
    #expect(try store.snapshot(1, of: old.id) == bytes(1))
    // The update of the round that will never be finished is gone: models 0, 1 and 50 are left.
    #expect(try store.objectCount() == 3)
  }

  @Test func `A run can be begun anew with the same settings`() throws {
    let store = try TemporaryDirectory().open()
    let old = try store.prepared()
    let new = try store.startRun(settings: settings, initialModel: weights(0), at: time(1))
    #expect(new.id != old.id)
    #expect(try store.runUnderWay() == new)
  }

  @Test func `An unknown run is said to be unknown`() throws {
    let store = try TemporaryDirectory().open()
    #expect(throws: StoreError.unknownRun(RunID(rawValue: 9))) {
      try store.recoveredState(of: RunID(rawValue: 9))
    }
  }
}
