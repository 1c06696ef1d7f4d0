import BoardRuntime
import BoardStorage
import Digests
import LinkProtocol
import Testing
import TrainingCore
import UpdateCodec
import VirtualHardware

@Suite struct DeltaTests {
  private func bench(hidden: Int = 60) throws -> (Bench, [UInt8]) {
    let bench = try Bench(arena: 6000)
    bench.run { bench.session.isEstablished }
    let model = try Bench.snapshot(1, hidden: hidden)
    #expect(bench.deliver(model))
    return (bench, model)
  }

  @Test(arguments: [UpdateCoding.float32, .lossless, .step(sixteenths: 32), .stc(oneIn: 18)])
  func aDeltaBringsAModelToTheNextVersionBitForBit(coding: UpdateCoding) throws {
    var (bench, model) = try bench(hidden: 300)
    let count = try Material.parameters(model).count
    for version in 2...5 as ClosedRange<UInt32> {
      let next = try Material.delta(
        model, version: version, difference: Material.difference(count, Int(version)), coding)
      #expect(bench.deliver(next.delta, as: .delta), "version \(version)")
      #expect(bench.model == Material.digest(next.result))
      #expect(try bench.stored(.newestModel) == next.result)
      // Offered again because the confirmation was lost, it is there.
      bench.restart()
      #expect(bench.model == Material.digest(next.result))
      let again = bench.offer(next.delta, as: .delta)
      bench.run { bench.events.contains(.delivered(1, again)) }
      #expect(bench.session.progress(ofOutgoing: 1) == nil && bench.refusals.isEmpty)
      model = next.result
    }
    #expect(bench.update(Bench.task(Material.digest(model))) != nil)
  }

  @Test func aDeltaOfAModelThatIsNotHereIsRefused() throws {
    let (bench, model) = try bench()
    let other = try Bench.snapshot(7, hidden: 60)
    let count = try Material.parameters(model).count
    let next = try Material.delta(other, version: 8, difference: Material.difference(count, 1), .lossless)
    #expect(!bench.deliver(next.delta, as: .delta))
    #expect(bench.refusals == [.missingBase])
    #expect(bench.model == Material.digest(model) && bench.phase == .idle)
    // The whole model helps; the model before can be a base, too.
    #expect(bench.deliver(other))
    let third = try Material.delta(model, version: 9, difference: Material.difference(count, 2), .lossless)
    #expect(bench.deliver(third.delta, as: .delta))
    #expect(try bench.stored(.newestModel) == third.result)
  }

  @Test func whatIsNoDeltaOrGivesAnotherModelIsRefusedAndTheOldOneStays() throws {
    let (bench, model) = try bench()
    let count = try Material.parameters(model).count
    let next = try Material.delta(model, version: 2, difference: Material.difference(count, 1), .lossless)
    let wider = try Bench.snapshot(1, hidden: 61)
    let others = try Material.delta(
      wider, version: 2, difference: Material.difference(try Material.parameters(wider).count, 1), .lossless)
    var header = try DeltaHeader(parsing: others.delta.span)
    header.base = DigestTag(Material.digest(model))
    var cases: [(String, [UInt8], TransferRefusal)] = [
      ("nothing", [], .invalid), ("noise", [1, 2, 3, 4, 5, 6, 7], .invalid),
      ("cut in its header", Array(next.delta[..<12]), .invalid),
      ("cut in its code", Array(next.delta[..<(next.delta.count / 2)]), .invalid),
      ("too long", next.delta + [UInt8](repeating: 0, count: 300), .invalid),
    ]
    var bytes = [UInt8](next.delta)
    bytes[try DeltaHeader(parsing: next.delta.span).length - 1] ^= 1
    cases.append(("another result", bytes, .wrongDigest))
    for (label, content, reason) in cases {
      #expect(!bench.deliver(content, as: .delta), "\(label)")
      #expect(bench.refusals.last == reason, "\(label)")
      #expect(bench.model == Material.digest(model), "\(label)")
      #expect(try bench.stored(.arrival) == nil, "\(label)")
    }
    #expect(bench.deliver(next.delta, as: .delta))
    #expect(try bench.stored(.newestModel) == next.result)
  }

  @Test func aDeltaIsAddedWhileTheBoardTrainsAndTheBaseOfTrainingStays() throws {
    var (bench, model) = try bench()
    let digest = Material.digest(model)
    let (other, _) = try self.bench()
    let expected = try #require(other.update(Bench.task(digest, epochs: 400)))
    bench.say(.train(Bench.task(digest, epochs: 400)))
    bench.run(slices: 1) { bench.phase == .training }
    for version in 2...4 as ClosedRange<UInt32> {
      let count = try Material.parameters(model).count
      let next = try Material.delta(
        model, version: version, difference: Material.difference(count, Int(version)), .step(sixteenths: 16))
      let offer = bench.offer(next.delta, as: .delta)
      bench.run(slices: 8) {
        bench.events.contains { if case .delivered(_, offer) = $0 { true } else { false } }
      }
      #expect(bench.phase == .training && bench.model == Material.digest(next.result))
      model = next.result
    }
    bench.run { !bench.updates.isEmpty }
    let update = try #require(bench.updates.first)
    #expect(bench.objects.incoming[update.name] == expected)
  }

  @Test func aDamagedBaseIsForgottenSoThatItComesAgain() throws {
    let (bench, model) = try bench()
    let place = try #require(try bench.flash.find(model[500..<600]))
    bench.flash.damage(byte: place, bits: 1)
    bench.restart()
    let count = try Material.parameters(model).count
    let next = try Material.delta(model, version: 2, difference: Material.difference(count, 1), .lossless)
    #expect(!bench.deliver(next.delta, as: .delta))
    #expect(bench.refusals == [.missingBase] && bench.model == nil)
    #expect(bench.deliver(model))
    #expect(bench.deliver(next.delta, as: .delta))
  }
}
