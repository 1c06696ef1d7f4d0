import BoardRuntime
import BoardStorage
import LinkProtocol
import PropertyTesting
import Testing
import TrainingCore
import UpdateCodec
import VirtualHardware

/// A gateway that wants one round of a board, whatever happens to that: a model, an update, and the delta to the next
/// model that comes of it.
struct OneRound {
  static let coding = UpdateCoding.step(sixteenths: 32)
  let model: [UInt8]
  let bench: Bench
  /// What the model becomes with the update, once that is there.
  var next: (delta: [UInt8], result: [UInt8])?
  var cuts = 0

  init(_ bench: Bench) throws {
    self.bench = bench
    model = try Bench.snapshot(1, hidden: 40)
  }

  /// Says what has to be said in a new session.
  private mutating func converse() throws {
    bench.run { bench.session.isEstablished || bench.flash.isOff }
    guard !bench.flash.isOff else { return }
    if let name = bench.counted.first, next == nil {
      let update = try #require(bench.objects.incoming[name])
      let difference = try Material.decoded(update, for: model)
      next = try Material.delta(model, version: 2, difference: difference, .lossless)
    }
    let held = bench.welcomedModel
    guard let next else {
      guard held == Material.digest(model) else {
        bench.offer(model)
        return
      }
      return bench.say(
        .train(Bench.task(Material.digest(model), coding: Self.coding, run: 5)))
    }
    guard held != Material.digest(next.result) else { return }
    if held == Material.digest(model) { bench.offer(next.delta, as: .delta) } else { bench.offer(model) }
  }

  /// Whether there is nothing more to say in this session.
  private var isAnswered: Bool {
    if bench.flash.isOff { return true }
    if let next { return bench.model == Material.digest(next.result) && bench.phase == .idle }
    return bench.events.contains {
      if case .delivered = $0 { true } else { false }
    } || !bench.counted.isEmpty
  }

  /// Runs until the board has the next model, and has settled its update.
  mutating func run() throws {
    for _ in 0..<12 {
      try converse()
      bench.run { isAnswered }
      if !bench.flash.isOff { bench.run(milliseconds: 30) }
      if bench.flash.isOff {
        cuts += 1
        bench.reset()
      } else if next != nil, isAnswered {
        return
      } else {
        bench.reconnect()
      }
    }
    Issue.record("the round does not come to its end")
  }

  /// What lies in flash at the end, and how many updates were counted.
  func outcome() throws -> Outcome {
    Outcome(
      newest: try bench.stored(.newestModel), update: try bench.stored(.update),
      residual: try bench.stored(.residual), nextResidual: try bench.stored(.nextResidual),
      arrival: try bench.stored(.arrival), counted: Set(bench.counted).count, model: next?.result)
  }

  struct Outcome: Equatable {
    var newest, update, residual, nextResidual, arrival: [UInt8]?
    var counted: Int
    var model: [UInt8]?
  }
}

@Suite struct PowerCutTests {
  private static let pages = 16

  private func reference() throws -> (outcome: OneRound.Outcome, flash: CuttableNORFlash) {
    let flash = CuttableNORFlash(pageCount: Self.pages, seed: 0)
    var round = try OneRound(Bench(flash: flash))
    try round.run()
    return (try round.outcome(), flash)
  }

  @Test func wherePowerIsCutInARoundMakesNoDifference() throws {
    let (expected, flash) = try reference()
    #expect(expected.newest != nil && expected.newest == expected.model && expected.residual != nil)
    #expect(expected.counted == 1 && expected.update == nil && expected.nextResidual == nil)
    // Every call that changes flash: at its first word, in the middle, and at its last.
    var cuts: Set<Int> = []
    var done = 0
    for count in flash.calls {
      cuts.formUnion([done + 1, done + (count + 1) / 2, done + count])
      done += count
    }
    #expect(cuts.count > 150)
    for cut in cuts.sorted() {
      let flash = CuttableNORFlash(pageCount: Self.pages, seed: UInt64(cut))
      flash.cutAt = cut
      var round = try OneRound(Bench(flash: flash))
      try round.run()
      #expect(round.cuts == 1, "cut at \(cut)")
      #expect(try round.outcome() == expected, "cut at \(cut)")
    }
  }

  @Test(arguments: 0..<40) func aRoundIsDoneInTheEndHoweverOftenPowerIsCut(seed: UInt64) throws {
    let (expected, _) = try reference()
    let flash = CuttableNORFlash(pageCount: Self.pages, seed: seed)
    let bench = try Bench(flash: flash)
    var generator = SeededGenerator(seed: seed)
    bench.onReset = { number in
      if number < 6 { flash.cutAt = flash.operations + Int.random(in: 1...400, using: &generator) }
    }
    flash.cutAt = Int.random(in: 1...400, using: &generator)
    var round = try OneRound(bench)
    try round.run()
    #expect(round.cuts >= 2, "seed \(seed)")
    #expect(try round.outcome() == expected, "seed \(seed)")
  }
}
