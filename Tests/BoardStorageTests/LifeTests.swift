import BoardStorage
import PropertyTesting
import Testing
import VirtualHardware

/// One thing that a board does with its store.
enum Step {
  case arrive(Blob)
  case commitArrival
  case dropArrival
  /// A model is made of the delta that came in.
  case apply(Blob)
  case publish(Blob, Blob?)
  case settle
  case drop
  case keep([UInt8], StoredKeys)
  case prepare

  func run(_ bench: StorageBench, expecting contents: Contents) throws {
    switch self {
    case .arrive(let blob): try bench.arrive(blob)
    case .commitArrival:
      if let blob = contents.arrival { try bench.commitArrival(blob) }
    case .dropArrival: try bench.store.dropArrival(&bench.flash)
    case .apply(let model):
      try bench.append(model, as: .model, piece: 264)
      try bench.store.commitModel(kind: 1, digest: model.digest, metadata: model.metadata, &bench.flash)
    case .publish(let update, let rest): try bench.publish(update, rest)
    case .settle: try bench.store.settleUpdate(&bench.flash)
    case .drop: try bench.store.dropUpdate(&bench.flash)
    case .keep(let bytes, let keys): try bench.keep(bytes, as: keys)
    case .prepare: _ = try bench.store.prepareOne(&bench.flash)
    }
  }

  /// What there is afterwards.
  func applied(to contents: Contents) -> Contents {
    var contents = contents
    switch self {
    case .arrive(let blob): contents.arrival = blob
    case .dropArrival: contents.arrival = nil
    case .commitArrival:
      guard let blob = contents.arrival else { break }
      contents.otherModel = contents.newestModel
      contents.newestModel = blob
      contents.arrival = nil
    case .apply(let model):
      contents.otherModel = contents.newestModel
      contents.newestModel = model
      contents.arrival = nil
    case .publish(let update, let rest):
      contents.update = update
      contents.nextResidual = rest?.unnamed
    case .settle:
      guard contents.update != nil else { break }
      contents.residual = contents.nextResidual
      contents.nextResidual = nil
      contents.update = nil
    case .drop:
      contents.nextResidual = nil
      contents.update = nil
    case .keep(let bytes, .cableSecret): contents.cableSecret = bytes
    case .keep(let bytes, .bonds): contents.bonds = bytes
    case .prepare: break
    }
    return contents
  }

  var arrives: [Blob] {
    if case .arrive(let blob) = self { [blob] } else { [] }
  }
}

@Suite struct LifeTests {
  /// Three rounds: a model as a whole, then deltas; with and without a residual, confirmed and not.
  static let life: [Step] = {
    var steps: [Step] = []
    for round in 0..<3 {
      let number = 100 * round
      if round.isMultiple(of: 2) {
        steps += [.arrive(Blob(number + 1, length: 4100 + round)), .commitArrival]
      } else {
        steps += [.arrive(Blob(number + 2, length: 301)), .apply(Blob(number + 3, length: 4060))]
      }
      let rest = round == 2 ? nil : Blob(number + 5, length: 1100)
      steps += [.publish(Blob(number + 4, length: 190 + round), rest), .prepare, .prepare]
      steps += [round == 1 ? .drop : .settle, .arrive(Blob(number + 6, length: 50)), .prepare]
      steps += [.keep(Blob(number + 8, length: 184).bytes, .bonds)]
      if round != 1 { steps += [.keep(Blob(number + 9, length: 16).bytes, .cableSecret)] }
      steps += [.arrive(Blob(number + 7, length: 64)), .dropArrival, .prepare, .prepare, .prepare]
    }
    return steps
  }()

  @Test func whereverPowerIsCutTheOldStateOrTheNewOneIsThere() throws {
    let bench = StorageBench(pages: 14)
    var before = Contents()
    var cuts = 0
    for (number, step) in Self.life.enumerated() {
      let after = step.applied(to: before)
      let start = CuttableNORFlash(copying: bench.flash, seed: 0)
      let calls = bench.flash.calls.count
      try step.run(bench, expecting: before)
      #expect(try Contents.of(bench, arriving: step.arrives + [before.arrival].compactMap(\.self)) == after)
      for cut in Self.cuts(in: bench.flash.calls[calls...]) {
        cuts += 1
        let other = StorageBench(CuttableNORFlash(copying: start, seed: UInt64(cuts)))
        other.flash.cutAt = cut
        do { try step.run(other, expecting: before) } catch is StorageError {}
        #expect(other.flash.isOff, "step \(number), cut at \(cut)")
        other.restart()
        let candidates = step.arrives + [before.arrival].compactMap(\.self)
        let found = try Contents.of(other, arriving: candidates)
        #expect(found == before || found == after, "step \(number), cut at \(cut)")
        // And it goes on.
        if found != after || !step.arrives.isEmpty { try step.run(other, expecting: before) }
        other.restart()
        #expect(try Contents.of(other, arriving: candidates) == after, "step \(number), cut at \(cut)")
      }
      before = after
    }
    #expect(cuts > 800)
  }

  /// In every call of the flash: at its first and at its last word, and at some in between.
  private static func cuts(in calls: ArraySlice<Int>) -> [Int] {
    var cuts: [Int] = []
    var done = 0
    for count in calls {
      let step = max(1, (count - 1) / 5)
      for word in 1...count where word == count || (word - 1).isMultiple(of: step) {
        cuts.append(done + word)
      }
      done += count
    }
    return cuts
  }

  /// Boards that do things at random, lose power at random, and are held against a model in memory.
  @Test(arguments: 0..<40) func aLifeWithManyPowerCuts(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let bench = StorageBench(pages: Int.random(in: 19...26, using: &generator), seed: seed)
    var contents = Contents()
    var restarts = 0
    for number in 0..<60 {
      let step = Self.step(number, contents, &generator)
      let after = step.applied(to: contents)
      let candidates = step.arrives + [contents.arrival].compactMap(\.self)
      // Power may go again while the board puts things in order.
      while true {
        if generator.chance(0.5) {
          bench.flash.cutAt = bench.flash.operations + Int.random(in: 1...600, using: &generator)
        }
        do throws {
          try step.run(bench, expecting: contents)
          bench.flash.cutAt = nil
          if generator.chance(0.2) { bench.restart() }
        } catch {
          guard bench.flash.isOff else { throw error }
        }
        // It also may have gone when the step was as good as done.
        if bench.flash.isOff {
          restarts += 1
          bench.restart()
        }
        let found = try Contents.of(bench, arriving: candidates)
        #expect(found == contents || found == after, "seed \(seed), step \(number)")
        guard found == after else { continue }
        guard let arrival = after.arrival, bench.arrived < arrival.bytes.count else { break }
      }
      contents = after
    }
    #expect(restarts > 2, "seed \(seed)")
    // A power cut is no damage.
    #expect(!bench.findings.contains { if case .objectLost = $0 { true } else { false } }, "seed \(seed)")
  }

  private static func step(
    _ number: Int, _ contents: Contents, _ generator: inout SeededGenerator
  ) -> Step {
    func blob(_ limit: Int) -> Blob {
      Blob(
        Int.random(in: 0..<1 << 30, using: &generator), length: Int.random(in: 0...limit, using: &generator))
    }
    switch Int.random(in: 0..<10, using: &generator) {
    case 0, 1: return .arrive(blob(9000))
    case 2: return contents.arrival == nil ? .arrive(blob(9000)) : .commitArrival
    case 3: return contents.arrival == nil ? .arrive(blob(600)) : .apply(blob(9000))
    case 4:
      return contents.update == nil ? .publish(blob(5000), generator.chance(0.7) ? blob(5000) : nil) : .settle
    case 5: return contents.update == nil ? .prepare : .settle
    case 6: return contents.update == nil ? .prepare : .drop
    case 7: return contents.arrival == nil ? .prepare : .dropArrival
    case 8:
      return generator.chance(0.5)
        ? .keep(blob(1011).bytes + [1], .bonds) : .keep(blob(15).bytes + [1], .cableSecret)
    default: return .prepare
    }
  }
}
