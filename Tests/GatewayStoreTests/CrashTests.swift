import Foundation
import GRDB
import PropertyTesting
import Rounds
import Testing

@testable import GatewayStore

@Suite struct CrashTests {
  /// Everything that the store says about a run.
  struct Picture: Equatable {
    let state: RecoveredState
    let rounds: [RoundRecord]
    let models: [ModelRecord]
    let snapshots: [[UInt8]]
    let payloads: [[UInt8]]

    init(_ store: GatewayStore, _ run: RunID) throws {
      state = try store.recoveredState(of: run)
      rounds = try store.rounds(of: run)
      models = try store.models(of: run)
      snapshots = try models.filter(\.isKept).map { try store.snapshot($0.version.number, of: run) }
      payloads = try state.contributions.map { try store.payload(of: $0) }
    }
  }

  @Test func `What was reported done is there after a crash, after every single step`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open(keptModels: 2)
    let run = try store.prepared()
    for round in 1...3 {
      for board in [rose, fern] {
        _ = try store.recordContribution(update(board, round), run: run.id, at: time(round))
        let crashed = try directory.afterCrash()
        #expect(try Picture(crashed.open(), run.id) == Picture(store, run.id))
      }
      _ = try store.commitRound(
        RoundNumber(UInt32(round)), of: run.id, counted: [rose, fern], result: weights(round), cost: cost,
        at: time(round))
      let crashed = try directory.afterCrash()
      #expect(try Picture(crashed.open(), run.id) == Picture(store, run.id))
    }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `A log cut anywhere leaves the state after one of the steps, whole`(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let directory = try TemporaryDirectory()
    let store = try directory.open(keptModels: 2)
    let run = try store.prepared()
    // Empty the log, so that the cut is in what follows.
    _ = try store.database.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    var pictures = [try Picture(store, run.id)]
    for round in 1...3 {
      for board in [rose, fern].shuffled(using: &random) {
        _ = try store.recordContribution(update(board, round), run: run.id, at: time(round))
        pictures.append(try Picture(store, run.id))
      }
      _ = try store.commitRound(
        RoundNumber(UInt32(round)), of: run.id, counted: [rose, fern], result: weights(round), cost: cost,
        at: time(round))
      pictures.append(try Picture(store, run.id))
    }
    let crashed = try directory.afterCrash()
    let log = crashed.databasePath + "-wal"
    let size = try #require(
      try FileManager.default.attributesOfItem(atPath: log)[.size] as? NSNumber)
    let cut = UInt64.random(in: 0...size.uint64Value, using: &random)
    let file = try #require(FileHandle(forUpdatingAtPath: log))
    try file.truncate(atOffset: cut)
    if Bool.random(using: &random), cut > 600 {
      // The last sector was torn as well.
      try file.seek(toOffset: cut - 512)
      try file.write(contentsOf: Data(repeating: 0x5a, count: 512))
    }
    try file.close()
    let opened = try crashed.open(keptModels: 2)
    let found = try #require(pictures.firstIndex(of: Picture(opened, run.id)), "a state that never was")
    print("seed \(seed): \(cut) of \(size) bytes of the log leave step \(found) of \(pictures.count - 1)")
    // And it goes on from there to the end.
    let state = try opened.recoveredState(of: run.id)
    for round in Int(state.round.rawValue)..<4 { try opened.hold(round, of: run.id) }
    #expect(try Picture(opened, run.id).snapshots == pictures.last?.snapshots)
  }

  @Test func `A full disk keeps everything before and goes on when there is room`() throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    _ = try store.recordContribution(update(rose), run: run.id, at: time(1))
    let before = try Picture(store, run.id)
    func limit(_ pages: Int) throws {
      try store.database.inDatabase { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
    }
    try limit(1)  // as many as there are
    let large = NewModel(snapshot: bytes(1, count: 200_000), description: [])
    #expect(throws: StoreError.diskFull(path: store.path)) {
      try store.commitRound(.first, of: run.id, counted: [rose], result: large, cost: cost, at: time(2))
    }
    #expect(throws: StoreError.diskFull(path: store.path)) {
      let payload = bytes(5, count: 100_000)
      let contribution = Contribution(
        board: fern, round: .first, base: digest(bytes(0)), update: digest(payload), examples: 1,
        trainingLoss: nil)
      _ = try store.recordContribution(
        NewContribution(contribution, payload: payload), run: run.id, at: time(2))
    }
    #expect(try Picture(store, run.id) == before)
    try limit(1_000_000)
    _ = try store.commitRound(.first, of: run.id, counted: [rose], result: large, cost: cost, at: time(3))
    #expect(try store.recoveredState(of: run.id).round == RoundNumber(2))
  }

  @Test func `A coordinator goes on with what the store recovers`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    _ = try store.recordContribution(update(rose), run: run.id, at: time(1))
    let crashed = try directory.afterCrash().open()
    let policy = try RoundPolicy(minimumBoards: 2, evaluatesOnBoards: false)
    var rounds = RoundCoordinator(policy: policy, recovering: try crashed.recoveredState(of: run.id))
    let now = MonotonicTime(microseconds: 0)
    _ = rounds.start(now: now)
    // Rose sends its update again, because the confirmation was lost in the crash.
    #expect(
      rounds.updateArrived(update(rose).contribution, verdict: .sound, now: now) == [.confirm(rose, .first)])
    let base = digest(bytes(0))
    #expect(rounds.boardReady(fern, holding: base, now: now).last == .train(fern, .first))
    let contribution = update(fern).contribution
    #expect(rounds.updateArrived(contribution, verdict: .sound, now: now) == [.store(contribution)])
    _ = try crashed.recordContribution(update(fern), run: run.id, at: time(2))
    let actions = rounds.contributionStored(fern, .first, now: now)
    #expect(actions == [.confirm(fern, .first), .aggregate(.first, [rose, fern])])
    let version = try crashed.commitRound(
      .first, of: run.id, counted: [rose, fern], result: weights(1), cost: cost, at: time(3))
    // Rose counted although she was not back; the next round waits for her for a while.
    #expect(!rounds.aggregated(.first, version, now: now).contains(.deliver(version, to: fern)))
    #expect(rounds.boardReady(rose, holding: base, now: now).contains(.deliver(version, to: fern)))
  }
}
