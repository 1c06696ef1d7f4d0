import BoardRuntime
import BoardStorage
import Digests
import LinkProtocol
import Testing
import TrainingCore
import UpdateCodec
import VirtualHardware

@Suite struct UpdateTests {
  private func bench() throws -> (Bench, [UInt8], Digest32) {
    let bench = try Bench()
    bench.run { bench.session.isEstablished }
    let model = try Bench.snapshot(1, hidden: 60)
    #expect(bench.deliver(model))
    return (bench, model, Material.digest(model))
  }

  @Test func afterAResetTheUpdateIsOfferedAgainUnderItsNameAndNotMadeAgain() throws {
    let (bench, _, digest) = try bench()
    let task = Bench.task(digest, round: 4, coding: .step(sixteenths: 32), run: 9)
    bench.refusal = .busy
    bench.say(.train(task))
    bench.run { bench.updates.count == 1 }
    let first = try #require(bench.updates.first)
    for _ in 0..<3 {
      bench.refusal = .busy
      bench.restart()
      #expect(bench.phase == .holdingUpdate && bench.model == digest)
      bench.say(.train(task))
      bench.say(.statusRequest)
      bench.run { !bench.updates.isEmpty }
      #expect(bench.updates.first == first && bench.reports == 0)
      #expect(
        bench.events.contains {
          guard case .message(.status(let status)) = $0 else { return false }
          return status.phase == .holdingUpdate && status.round == 4 && status.model == digest
        })
    }
    bench.refusal = nil
    bench.run { bench.phase == .idle }
    #expect(bench.counted == [first.name])
    bench.restart()
    #expect(bench.phase == .idle)
    #expect(try bench.stored(.update) == nil)
  }

  @Test func aModelIsEvaluatedWhileAnUpdateWaits() throws {
    let (bench, _, digest) = try bench()
    bench.refusal = .busy
    bench.say(.train(Bench.task(digest)))
    bench.run { bench.updates.count == 1 }
    bench.say(.evaluate(EvaluationTask(model: digest)))
    let isDone = bench.run(milliseconds: 500) {
      bench.events.contains { if case .message(.evaluation) = $0 { true } else { false } }
    }
    #expect(isDone && bench.phase == .holdingUpdate)
    bench.refusal = nil
    bench.run { bench.phase == .idle }
    #expect(bench.updates.last == bench.updates.first)
  }

  /// What the gateway would compute of the same training: the differences in float32 tell what was to be coded.
  @Test(arguments: [UpdateCoding.step(sixteenths: 48), .stc(oneIn: 9), .lossless])
  func whatIsLeftOutIsAddedToTheNextUpdateOfTheRun(coding: UpdateCoding) throws {
    let (plain, model, digest) = try bench()
    let (bench, _, _) = try bench()
    let description = try Material.model(model).model
    var residual = [Float](repeating: 0, count: description.parameterCount)
    for round in 1...4 as ClosedRange<UInt32> {
      let whole = try #require(plain.update(Bench.task(digest, round: round)))
      var values = zip(try Material.decoded(whole, for: model), residual).map { $0 + $1 }
      var header = try UpdateHeader(parsing: whole.span)
      header.coding = coding
      let expected = header.object(coding: &values, for: description)
      // The board is reset before some rounds: the residual is in flash.
      if round.isMultiple(of: 2) { bench.restart() }
      let update = bench.update(Bench.task(digest, round: round, coding: coding, run: 77))
      #expect(update == expected, "round \(round)")
      #expect(bench.phase == .idle)
      residual = values
      let stored = try bench.stored(.residual)
      if residual.allSatisfy({ $0 == 0 }) {
        #expect(stored == nil)
      } else {
        #expect(stored?.count == 4 * residual.count)
      }
    }
    #expect(residual.contains { $0 != 0 } == (coding != .lossless))
  }

  @Test func aResidualOfAnotherRunIsNotUsedAndOneThatIsNotConfirmedNeither() throws {
    let (plain, model, digest) = try bench()
    let (bench, _, _) = try bench()
    let description = try Material.model(model).model
    let coding = UpdateCoding.stc(oneIn: 9)
    func expected(_ round: UInt32, _ residual: [Float]?) throws -> (object: [UInt8], rest: [Float]) {
      let whole = try #require(plain.update(Bench.task(digest, round: round)))
      var values = try Material.decoded(whole, for: model)
      if let residual { values = zip(values, residual).map { $0 + $1 } }
      var header = try UpdateHeader(parsing: whole.span)
      header.coding = coding
      return (header.object(coding: &values, for: description), values)
    }
    let first = try expected(1, nil)
    #expect(bench.update(Bench.task(digest, round: 1, coding: coding, run: 1)) == first.object)
    // Made, and not wanted: what it left out is not left out of anything.
    bench.refusal = .obsolete
    _ = bench.update(Bench.task(digest, round: 2, coding: coding, run: 1))
    #expect(bench.phase == .idle)
    bench.refusal = nil
    bench.restart()
    let third = try expected(3, first.rest)
    #expect(bench.update(Bench.task(digest, round: 3, coding: coding, run: 1)) == third.object)
    let fourth = try expected(4, nil)
    #expect(bench.update(Bench.task(digest, round: 4, coding: coding, run: 2)) == fourth.object)
  }

  @Test func anUpdateWhoseConfirmationWasLostIsSettledBeforeTheNextRound() throws {
    let (plain, model, digest) = try bench()
    let (bench, _, _) = try bench()
    let description = try Material.model(model).model
    let coding = UpdateCoding.stc(oneIn: 9)
    var residual = [Float](repeating: 0, count: description.parameterCount)
    for round in 1...3 as ClosedRange<UInt32> {
      let whole = try #require(plain.update(Bench.task(digest, round: round)))
      var values = zip(try Material.decoded(whole, for: model), residual).map { $0 + $1 }
      var header = try UpdateHeader(parsing: whole.span)
      header.coding = coding
      let expected = header.object(coding: &values, for: description)
      residual = values
      // The gateway counts it, and is gone before it says so; asked for the next round, the board asks back.
      bench.say(.train(Bench.task(digest, round: round, coding: coding, run: 3)))
      bench.run { bench.counted.count == round }
      bench.reconnect()
      bench.run { bench.session.isEstablished }
      let name = try #require(bench.counted.last)
      #expect(bench.objects.incoming[name] == expected, "round \(round)")
    }
  }

  @Test func aCodingThatTheBoardDoesNotKnowIsAProblem() throws {
    let (bench, _, digest) = try bench()
    var task = Bench.task(digest)
    task.coding = 9
    bench.say(.train(task))
    bench.run { !bench.problems.isEmpty }
    #expect(bench.problems.first?.code == .taskInvalid)
  }

  @Test func aDamagedUpdateIsDroppedAndMadeAgain() throws {
    let (bench, _, digest) = try bench()
    bench.refusal = .busy
    bench.say(.train(Bench.task(digest, round: 2)))
    bench.run { bench.updates.count == 1 }
    let content = try #require(try bench.stored(.update))
    let place = try #require(try bench.flash.find(content[30..<80]))
    bench.flash.damage(byte: place, bits: 4)
    bench.refusal = nil
    bench.restart()
    let isDropped = bench.run { bench.phase == .idle }
    #expect(isDropped && bench.counted.isEmpty)
    #expect(
      bench.logLines.contains {
        $0.hasPrefix("damaged page ") && $0.hasSuffix(": part of the pending update")
      })
    #expect(bench.update(Bench.task(digest, round: 2)) == content)
  }
}
