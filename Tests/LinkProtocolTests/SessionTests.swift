import Bytes
import Digests
import LinkSimulation
import PropertyTesting
import Testing

@testable import LinkProtocol

@Suite struct SessionTests {
  static func content(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  static func establish(_ link: SimulatedLink) {
    let done = link.run(seconds: 60) { link.gateway.session.isEstablished }
    #expect(done)
  }

  @Test func aBoardSaysNothingBeforeItIsGreeted() {
    let link = SimulatedLink(seed: 1)
    #expect(link.board.nextCoded(now: Timestamp(microseconds: 5)) == nil)
    Self.establish(link)
    #expect(link.gateway.events == [.established(expectedWelcome())])
    #expect(link.board.events == [.opened(SimulatedLink.greeting)])
  }

  private func expectedWelcome() -> Welcome {
    var welcome = SimulatedLink.welcome()
    welcome.session = SimulatedLink.greeting.session
    return welcome
  }

  @Test func anObjectOfEveryLengthArrives() {
    for length in [0, 1, 3, 1083, 1084, 1085, 2168, 4096, 65_412] {
      let link = SimulatedLink(seed: 1)
      Self.establish(link)
      let name = link.gateway.objects.add(Self.content(length))
      let offer = ObjectOffer(kind: .model, name: name, round: 3)
      _ = link.gateway.session.offer(offer, now: link.now)
      let done = link.run(seconds: 30) { link.gateway.events.last == .delivered(1, offer) }
      #expect(done, "length \(length)")
      let whole = link.board.objects.isWhole(name)
      #expect(whole)
      // On a clean stream nothing is sent twice.
      #expect(link.gateway.chunkBytesSent == length)
    }
  }

  @Test func whateverTheLinkDoesEveryObjectAndEveryMessageArrivesOnce() {
    for seed in 1...200 as ClosedRange<UInt64> {
      var random = SeededGenerator(seed: seed)
      var faults = LinkFaults()
      // Up to one byte in 2,000 lost and as many damaged: half of the large frames do not get through.
      faults.loss = Double(random.next() % 6) / 10_000
      faults.corruption = Double(random.next() % 6) / 10_000
      faults.duplication = Double(random.next() % 3) / 10
      let carrier = SimulatedCarrier.stream(
        delay: 100 + random.next() % 40_000, byteTime: Double(1 + random.next() % 20))
      let link = SimulatedLink(seed: seed, carrier: carrier, boardFrame: [320, 600, 1100][Int(seed % 3)])
      link.faults = faults
      Self.establish(link)
      let down = link.gateway.objects.add(Self.content(Int(random.next() % 20_000), seed: seed))
      let up = link.board.objects.add(Self.content(Int(random.next() % 20_000), seed: seed + 7))
      let more = link.board.objects.add(Self.content(Int(random.next() % 5_000), seed: seed + 8))
      let downOffer = ObjectOffer(kind: .model, name: down, round: 0)
      let upOffer = ObjectOffer(kind: .update, name: up, round: 9)
      let moreOffer = ObjectOffer(kind: .update, name: more, round: 10)
      _ = link.gateway.session.offer(downOffer, now: link.now)
      _ = link.board.session.offer(upOffer, now: link.now)
      _ = link.board.session.offer(moreOffer, now: link.now)
      var reports = 0
      let done = link.run(seconds: 600) {
        if reports < 20 {
          let report = TrainingReport(
            round: 1, epoch: 1, epochs: 2, step: UInt32(reports), steps: 20, loss: 0.5)
          if link.board.session.send(.trainingProgress(report)) { reports += 1 }
        }
        return link.gateway.events.contains(.delivered(1, downOffer))
          && link.board.events.contains(.delivered(1, upOffer))
          && link.board.events.contains(.delivered(2, moreOffer))
          && reported(link.gateway.events).count == 20
      }
      #expect(done, "seed \(seed), \(faults), \(carrier)")
      #expect(reported(link.gateway.events) == Array(0..<20), "seed \(seed)")
      let whole =
        link.gateway.objects.isWhole(up) && link.gateway.objects.isWhole(more)
        && link.board.objects.isWhole(down)
      #expect(whole, "seed \(seed)")
    }
  }

  private func reported(_ events: [SessionEvent]) -> [UInt32] {
    events.compactMap {
      guard case .message(.trainingProgress(let report)) = $0 else { return nil }
      return report.step
    }
  }

  @Test func whatTheReceiverHoldsIsNotSentAgain() {
    let link = SimulatedLink(seed: 1)
    Self.establish(link)
    let content = Self.content(10_000)
    let name = link.gateway.objects.add(content)
    link.board.objects.expect(name)
    let held = Array(content[..<6_000])
    let first = link.board.objects.write(held.span, of: name, at: 0)
    #expect(first)
    link.board.held[name] = 6_000
    _ = link.gateway.session.offer(ObjectOffer(kind: .model, name: name, round: 0), now: link.now)
    let done = link.run(seconds: 5) { link.board.objects.isWhole(name) }
    #expect(done)
    #expect(link.gateway.chunkBytesSent == 4_000)
  }

  @Test func aBoardThatWasResetIsGreetedAnew() {
    let link = SimulatedLink(seed: 1)
    Self.establish(link)
    link.board.session = .board(
      SimulatedLink.welcome(), limits: LinkLimits(maximumFrame: 1100, window: 4096))
    let before = link.now
    let done = link.run(seconds: 20) {
      link.gateway.events.contains(.ended(.peerReset)) && link.gateway.session.isEstablished
    }
    #expect(done)
    // The keep-alive notices it; no time-out has to run out.
    #expect(link.now - before < .seconds(4))
  }

  @Test func aPeerThatFallsSilentIsNoticedAndGreetedWhenItComesBack() {
    let link = SimulatedLink(seed: 1)
    Self.establish(link)
    link.faults.loss = 1
    let noticed = link.run(seconds: 60) { link.gateway.events.contains(.ended(.peerSilent)) }
    #expect(noticed)
    link.faults.loss = 0
    let back = link.run(seconds: 20) { link.gateway.session.isEstablished }
    #expect(back)
  }

  @Test func controlIsNotStuckBehindBulk() {
    let link = SimulatedLink(seed: 1, carrier: .stream(byteTime: 90))
    Self.establish(link)
    let name = link.gateway.objects.add(Self.content(65_412))
    _ = link.gateway.session.offer(ObjectOffer(kind: .model, name: name, round: 0), now: link.now)
    link.run(seconds: 2) { link.gateway.chunkBytesSent > 10_000 }
    let asked = link.now
    _ = link.gateway.session.send(.stopTraining(StopTraining(round: 4)))
    let heard = link.run(seconds: 5) {
      link.board.events.contains(.message(.stopTraining(StopTraining(round: 4))))
    }
    #expect(heard)
    // At 11 kB/s the rest of the object takes five seconds; the message waits for at most the frame under way.
    #expect(link.now - asked < .milliseconds(250))
  }

  @Test func aSlowSinkCostsOneObjectAndNoMore() {
    let link = SimulatedLink(seed: 1)
    Self.establish(link)
    link.board.objects.refusesWrites = true
    let name = link.gateway.objects.add(Self.content(5_000))
    let offer = ObjectOffer(kind: .model, name: name, round: 0)
    _ = link.gateway.session.offer(offer, now: link.now)
    let refused = link.run(seconds: 5) {
      link.gateway.events.contains(.declined(1, offer, .storageFailed))
    }
    #expect(refused)
    link.board.objects.refusesWrites = false
    _ = link.gateway.session.offer(offer, now: link.now)
    let done = link.run(seconds: 5) { link.gateway.events.contains(.delivered(2, offer)) }
    #expect(done)
  }

  @Test func aFarewellComesAfterEverythingSaidBeforeIt() {
    let link = SimulatedLink(seed: 1)
    Self.establish(link)
    _ = link.gateway.session.send(.stopTraining(StopTraining(round: 1)))
    link.gateway.session.close()
    let done = link.run(seconds: 5) { link.board.events.contains(.ended(.farewell)) }
    #expect(done)
    #expect(
      link.board.events.suffix(2) == [.message(.stopTraining(StopTraining(round: 1))), .ended(.farewell)])
    let greeted = link.run(seconds: 20) { link.gateway.session.isEstablished }
    #expect(!greeted)
  }

  @Test func aBoardOfAnotherVersionRefusesAndSaysWhichVersionsItSpeaks() {
    let link = SimulatedLink(seed: 1)
    var greeting = SimulatedLink.greeting
    greeting.minimumVersion = 9
    greeting.maximumVersion = 12
    link.gateway.session = .gateway(
      greeting, limits: LinkLimits(maximumFrame: 1100, window: 4096), now: link.now)
    link.run(seconds: 2) { !link.gateway.events.isEmpty }
    #expect(link.gateway.events == [.refused(Refusal(minimumVersion: 1, maximumVersion: 1))])
  }
}
