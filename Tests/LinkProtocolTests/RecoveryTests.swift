import Bytes
import Digests
import LinkSimulation
import Testing

@testable import LinkProtocol

/// A session that ended, or whose peer was reset, and the next one.
@Suite struct RecoveryTests {
  @Test func aResetIsNoticedAtOnceHoweverLongTheConversationWas() {
    let link = SimulatedLink(seed: 1)
    SessionTests.establish(link)
    let name = link.board.objects.add(SessionTests.content(65_412))
    let offer = ObjectOffer(kind: .update, name: name, round: 1)
    _ = link.board.session.offer(offer, now: link.now)
    let done = link.run(seconds: 10) { link.board.events.contains(.delivered(1, offer)) }
    #expect(done)
    link.board.session = .board(
      SimulatedLink.welcome(), limits: LinkLimits(maximumFrame: 1100, window: 4096))
    let before = link.now
    let noticed = link.run(seconds: 20) {
      link.gateway.events.contains(.ended(.peerReset)) && link.gateway.session.isEstablished
    }
    #expect(noticed)
    #expect(link.now - before < .seconds(4))
  }

  @Test func aBoardThatWasResetBetweenTwoGreetingsIsNoticed() {
    let pair = DirectPair()
    // The second greeting was under way when the first welcome came in; a reset board answers it.
    let second = Side(.gateway(SimulatedLink.greeting, limits: DirectPair.limits, now: pair.now))
    let greetings = second.allFrames(now: pair.now)
    var welcome = SimulatedLink.welcome()
    welcome.boot += 1
    let reset = Side(.board(welcome, limits: DirectPair.limits))
    reset.receive(greetings, now: pair.now)
    pair.gateway.receive(reset.allFrames(now: pair.now), now: pair.now)
    #expect(pair.gateway.events.last == .ended(.peerReset))
    // The same board's second welcome means nothing.
    let other = DirectPair()
    other.board.receive(greetings, now: other.now)
    other.gateway.receive(other.board.allFrames(now: other.now), now: other.now)
    #expect(other.gateway.events.count == 1)
  }

  @Test func aCleanLinkCountsNoLostFramesInAnySession() {
    let link = SimulatedLink(seed: 1)
    SessionTests.establish(link)
    for _ in 0..<3 {
      for _ in 0..<6 { _ = link.gateway.session.send(.statusRequest) }
      link.run(seconds: 1) { false }
      let lost = [link.gateway.session.framesLost, link.board.session.framesLost]
      #expect(lost == [0, 0])
      _ = link.gateway.session.abandon(now: link.now)
      SessionTests.establish(link)
    }
  }

  @Test func whatWasClosedStaysClosed() {
    let link = SimulatedLink(seed: 1)
    SessionTests.establish(link)
    link.faults.loss = 1
    _ = link.gateway.session.send(.statusRequest)
    link.gateway.session.close()
    let taken = link.gateway.session.send(.statusRequest)
    #expect(!taken)
    let gone = link.run(seconds: 60) { link.gateway.events.contains(.ended(.peerSilent)) }
    #expect(gone)
    link.faults.loss = 0
    let back = link.run(seconds: 20) { link.gateway.session.isEstablished }
    #expect(!back)

    // Nor does a gateway go on greeting that was closed before anybody answered.
    let side = Side(.gateway(SimulatedLink.greeting, limits: DirectPair.limits, now: link.now))
    side.session.close()
    #expect(side.nextFrame(now: link.now) == nil)
    let deadline = side.session.nextDeadline
    #expect(deadline == nil)
  }

  @Test func aConfirmationThatComesTooLateForItsSessionConfirmsNothingElse() {
    let pair = DirectPair()
    let name = pair.board.objects.add(SessionTests.content(900))
    let offer = ObjectOffer(kind: .update, name: name, round: 1)
    _ = pair.board.session.offer(offer, now: pair.now)
    pair.settle()
    pair.gateway.objects.expect(name)
    let accepted = pair.gateway.session.accept(1, offer, held: 0, now: pair.now)
    #expect(accepted)
    // The owner means transfer 1 of a session before this one.
    pair.gateway.session.confirm(1)
    pair.settle()
    #expect(pair.gateway.events.last == .received(1, offer))
    #expect(!pair.board.events.contains(.delivered(1, offer)))
    pair.gateway.session.confirm(1)
    pair.settle()
    #expect(pair.board.events.last == .delivered(1, offer))
  }
}
