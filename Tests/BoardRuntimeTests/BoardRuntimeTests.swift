import BoardRuntime
import Digests
import LinkProtocol
import Testing
import UpdateCodec

@Suite struct BoardRuntimeTests {
  private func bench(arena: Int = 2000) throws -> (Bench, ObjectOffer) {
    let bench = try Bench(arena: arena)
    bench.run { bench.session.isEstablished }
    let offer = bench.offer(try Bench.snapshot(1))
    let stored = bench.run { bench.events.contains(.delivered(1, offer)) }
    #expect(stored)
    return (bench, offer)
  }

  @Test func aModelIsStoredAndSurvivesAReset() throws {
    let (bench, offer) = try bench()
    #expect(bench.model == offer.name.digest)
    bench.reset()
    bench.run { bench.session.isEstablished }
    #expect(bench.model == offer.name.digest)
    // And is not sent again.
    _ = bench.offer(try Bench.snapshot(1))
    let held = bench.run { bench.events.contains(.delivered(1, offer)) }
    #expect(held)
  }

  @Test func anObjectThatIsNotWhatItWasNamedIsNotKept() throws {
    let (bench, old) = try bench()
    let content = try Bench.snapshot(3)
    var name = bench.objects.add(content)
    name.digest = SHA256.hash(of: [1, 2, 3].span)
    bench.objects.addUnder(name, content)
    let offer = ObjectOffer(kind: .model, name: name, round: 0)
    let number = bench.offerNamed(offer)
    let refused = bench.run { bench.events.contains(.declined(number, offer, .wrongDigest)) }
    #expect(refused)
    #expect(bench.model == old.name.digest)
  }

  @Test func aModelLargerThanTheFlashIsDeclined() throws {
    let (bench, _) = try bench()
    let offer = bench.offer(try Bench.snapshot(4, hidden: 4000))
    let declined = bench.run { bench.events.contains(.declined(2, offer, .tooLarge)) }
    #expect(declined)
  }

  @Test func trainingYieldsAnUpdateOfTheRightFormOnce() throws {
    let (bench, model) = try bench()
    bench.say(.train(Bench.task(model.name.digest, round: 5)))
    bench.run { !bench.updates.isEmpty }
    let offer = try #require(bench.updates.first)
    let bytes = try #require(bench.objects.incoming[offer.name])
    let header = try UpdateHeader(parsing: bytes.span)
    #expect(header.round == 5 && header.examples == 30 && header.base == DigestTag(model.name.digest))
    #expect(header.parameterCount == 23 && header.loss.isFinite)
    #expect(SHA256.hash(of: bytes.span) == offer.name.digest)
    // Confirmed, it is forgotten.
    bench.run(milliseconds: 50)
    #expect(bench.phase == .idle && bench.updates.count == 1)
    #expect(bench.phases.contains(.training))
  }

  @Test func theSameTaskGivesTheSameUpdateAndIsNotDoneTwice() throws {
    let (bench, model) = try bench()
    bench.refusal = .busy
    bench.say(.train(Bench.task(model.name.digest)))
    bench.run { !bench.updates.isEmpty }
    // The gateway is started again and asks anew: the update is there and is only offered again.
    bench.refusal = nil
    bench.reconnect()
    bench.run { bench.session.isEstablished }
    bench.say(.train(Bench.task(model.name.digest)))
    bench.run { !bench.updates.isEmpty }
    let offered = try #require(bench.updates.first)
    #expect(!bench.events.contains { if case .message(.trainingProgress) = $0 { true } else { false } })
    bench.run(milliseconds: 20)
    bench.say(.train(Bench.task(model.name.digest)))
    bench.run { bench.updates.count == 2 }
    #expect(bench.updates.last == offered)
  }

  @Test func anUpdateThatTheGatewayHasNoRoomForIsOfferedAgainLater() throws {
    let (bench, model) = try bench()
    bench.refusal = .storageFailed
    bench.say(.train(Bench.task(model.name.digest)))
    bench.run { bench.updates.count == 1 }
    let firstAt = bench.now
    bench.refusal = nil
    let again = bench.run { bench.updates.count == 2 }
    #expect(again)
    // Not at once, over and over.
    #expect(bench.now - firstAt >= .milliseconds(900))
  }

  @Test func aNewRoundBeginsWhenTheFateOfTheLastUpdateIsKnown() throws {
    let (bench, model) = try bench()
    bench.refusal = .busy
    bench.say(.train(Bench.task(model.name.digest, round: 1)))
    bench.run { bench.updates.count == 1 }
    // Whether it was counted the gateway says when it is offered again; only then the board goes on.
    bench.refusal = .obsolete
    bench.say(.train(Bench.task(model.name.digest, round: 2)))
    bench.run { bench.updates.last?.round == 2 }
    #expect(bench.updates.map(\.round) == [1, 1, 2])
  }

  @Test func trainingThatIsStoppedLeavesNothing() throws {
    let (bench, model) = try bench()
    bench.say(.train(Bench.task(model.name.digest, round: 3, epochs: 500)))
    bench.run(slices: 1) { bench.phase == .training }
    bench.say(.stopTraining(StopTraining(round: 3)))
    bench.run(milliseconds: 50)
    #expect(bench.phase == .idle && bench.updates.isEmpty)
  }

  @Test func theLinkIsAnsweredWhileItTrains() throws {
    let (bench, model) = try bench()
    bench.say(.train(Bench.task(model.name.digest, epochs: 1000)))
    bench.run(slices: 1) { bench.phase == .training }
    bench.say(.statusRequest)
    let answered = bench.run(milliseconds: 2, slices: 1) {
      bench.events.contains {
        if case .message(.status(let status)) = $0 {
          status.phase == .training && status.round == 1
        } else {
          false
        }
      }
    }
    #expect(answered)
  }

  @Test func anEvaluationCountsTheHeldOutExamples() throws {
    let (bench, model) = try bench()
    bench.say(.evaluate(EvaluationTask(model: model.name.digest)))
    var report: EvaluationReport?
    bench.run {
      for event in bench.events {
        if case .message(.evaluation(let found)) = event { report = found }
      }
      return report != nil
    }
    #expect(report?.count == 10 && report?.model == model.name.digest)
    #expect((report?.correct ?? 99) <= 10 && report?.loss.isFinite == true)
  }

  @Test func whatCannotBeDoneIsAnsweredWithAReason() throws {
    let (bench, model) = try bench(arena: 40)
    bench.say(.train(Bench.task(SHA256.hash(of: [9].span))))
    bench.run { bench.problems.count == 1 }
    #expect(bench.problems.last?.code == .modelNotHeld)
    // 23 parameters, their gradient, and room for activations: more than 40 floats.
    bench.say(.train(Bench.task(model.name.digest, round: 2)))
    bench.run { bench.problems.count == 2 }
    let tooLarge = try #require(bench.problems.last)
    #expect(tooLarge.code == .modelTooLarge && tooLarge.available == 40 && (tooLarge.needed ?? 0) > 40)
    bench.say(.train(Bench.task(model.name.digest, round: 3, rate: -1)))
    bench.run { bench.problems.count == 3 }
    let other = bench.offer(try Bench.snapshot(8, hidden: 2, inputs: 5))
    bench.run { bench.model == other.name.digest }
    bench.say(.evaluate(EvaluationTask(model: other.name.digest)))
    bench.run { bench.problems.count == 4 }
    #expect(bench.problems.last?.code == .modelMismatch)
    #expect(bench.updates.isEmpty)
  }

  @Test func trainingThatDivergesIsSaid() throws {
    let (bench, model) = try bench()
    bench.say(.train(Bench.task(model.name.digest, epochs: 200, rate: 100)))
    bench.run { !bench.problems.isEmpty || !bench.updates.isEmpty }
    if let problem = bench.problems.first {
      #expect(problem.code == .diverged)
    } else {
      // It may stay finite by luck of the data; then the update has to be finite too.
      let update = try #require(bench.updates.first)
      let bytes = try #require(bench.objects.incoming[update.name])
      #expect(try UpdateHeader(parsing: bytes.span).loss.isFinite)
    }
  }
}
