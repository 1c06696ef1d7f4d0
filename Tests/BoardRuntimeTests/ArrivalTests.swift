import BoardRuntime
import BoardStorage
import Digests
import LinkProtocol
import Testing
import VirtualHardware

@Suite struct ArrivalTests {
  private func held(_ bench: Bench, _ transfer: TransferNumber = 1) -> UInt32 {
    bench.session.progress(ofOutgoing: transfer)?.resumedFrom ?? 0
  }

  private func delivered(_ bench: Bench) -> UInt32 { bench.session.progress(ofOutgoing: 1)?.delivered ?? 0 }

  @Test func aTransferGoesOnAfterAResetWhereItWas() throws {
    let bench = try Bench()
    bench.run { bench.session.isEstablished }
    let model = try Bench.snapshot(1, hidden: 2400)
    #expect(model.count > 65_412)
    bench.offer(model)
    var before: UInt32 = 0
    for part in 1...4 {
      bench.run { delivered(bench) > model.count * part / 5 }
      before = delivered(bench)
      #expect(bench.phase == .receiving)
      bench.restart()
      // A stored part is no model, and nothing that is being received.
      #expect(bench.model == nil && bench.phase == .idle)
      bench.offer(model)
      bench.run { held(bench) > 0 }
      // A block at most is sent again of what the gateway knew to be here.
      #expect(held(bench) > before - 1012, "part \(part)")
    }
    bench.run { bench.model != nil }
    #expect(try bench.stored(.newestModel) == model)
  }

  @Test func aTransferGoesOnAfterALostLinkWhereItWas() throws {
    let bench = try Bench()
    bench.run { bench.session.isEstablished }
    let model = try Bench.snapshot(1, hidden: 900)
    bench.offer(model)
    bench.run { delivered(bench) > 10_000 }
    let before = delivered(bench)
    bench.reconnect()
    bench.run { bench.session.isEstablished }
    bench.offer(model)
    bench.run { held(bench) > 0 }
    #expect(held(bench) >= before)
    bench.run { bench.model != nil }
    #expect(try bench.stored(.newestModel) == model)
  }

  @Test func aTransferThatNobodyWantsAnyMoreMakesWayForAnother() throws {
    let bench = try Bench()
    bench.run { bench.session.isEstablished }
    bench.offer(try Bench.snapshot(1, hidden: 1500))
    bench.run { delivered(bench) > 10_000 }
    bench.restart()
    let other = try Bench.snapshot(2, hidden: 1500)
    #expect(bench.deliver(other))
    #expect(try bench.stored(.newestModel) == other)
    #expect(try bench.stored(.arrival) == nil)
    // Two at once find one place.
    bench.offer(try Bench.snapshot(3, hidden: 1500))
    bench.run { bench.phase == .receiving }
    bench.offer(try Bench.snapshot(4, hidden: 1500))
    bench.run { !bench.refusals.isEmpty }
    #expect(bench.refusals == [.busy])
  }

  @Test func modelsOfNearlyHalfTheFlashFollowOneAnother() throws {
    let bench = try Bench()
    bench.run { bench.session.isEstablished }
    // Nine pages each of twenty: with two of them there a third has no room.
    for version in 1...4 as ClosedRange<UInt32> {
      let model = try Bench.snapshot(version, hidden: 1290)
      #expect(bench.deliver(model), "version \(version)")
      #expect(try bench.stored(.newestModel) == model)
    }
  }

  @Test func whileTheLinkIsQuietPagesAreErasedAhead() throws {
    let bench = try Bench()
    bench.run { bench.session.isEstablished }
    bench.run(milliseconds: 500)
    let erasures = bench.flash.erasures
    #expect(bench.deliver(try Bench.snapshot(1, hidden: 500)))
    #expect(bench.flash.erasures == erasures)
  }

  @Test func whileWordsGoToAndFroNoPageIsErasedThatNobodyNeeds() throws {
    let bench = try Bench()
    bench.run { bench.session.isEstablished }
    bench.run(milliseconds: 500)
    // Models that are no more leave pages to erase.
    for version in 1...3 as ClosedRange<UInt32> {
      #expect(bench.deliver(try Bench.snapshot(version, hidden: 500)))
    }
    let erasures = bench.flash.erasures
    for _ in 0..<20 {
      bench.say(.statusRequest)
      bench.run(milliseconds: 100)
    }
    #expect(bench.flash.erasures == erasures)
    bench.run(milliseconds: 500)
    #expect(bench.flash.erasures != erasures)
  }
}
