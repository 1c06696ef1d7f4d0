import Bytes
import Digests
import LinkSimulation
import Testing

@testable import LinkProtocol

/// States out of which a session, a transfer or a message must come by itself as long as both sides live.
@Suite struct LivenessTests {
  private func offer(_ side: Side, _ length: Int, round: UInt32 = 0) -> ObjectOffer {
    ObjectOffer(kind: .model, name: side.objects.add(SessionTests.content(length)), round: round)
  }

  @Test func aQueueFullOfOtherMessagesLosesNoWordOfATransfer() {
    var pair = DirectPair()
    let up = (1...2).map { offer(pair.board, 700 * $0, round: UInt32($0)) }
    let down = (1...2).map { offer(pair.gateway, 500 * $0, round: UInt32($0)) }
    func chatter(_ side: Side) {
      while side.session.send(.logLine(LogLine(level: .info, text: ShortText("busy")))) {}
    }
    func acts(_ side: Side, _ acted: inout Int) {
      while acted < side.events.count {
        switch side.events[acted] {
        case .offered(let number, let offer):
          side.objects.expect(offer.name)
          let accepted = side.session.accept(number, offer, held: 0, now: pair.now)
          #expect(accepted)
        case .received(let number, _):
          side.session.confirm(number)
        default: break
        }
        acted += 1
      }
    }
    var waiting = [(pair.board, up), (pair.gateway, down)]
    var acted = [0, 0]
    for _ in 0..<200 {
      // Both queues are full at every moment, before and after anything is said about a transfer.
      for i in 0..<2 {
        let side = waiting[i].0
        chatter(side)
        if let next = waiting[i].1.first, side.session.offer(next, now: pair.now) != nil {
          waiting[i].1.removeFirst()
        }
      }
      pair.board.receive(pair.gateway.allFrames(now: pair.now), now: pair.now)
      chatter(pair.board)
      acts(pair.board, &acted[0])
      pair.gateway.receive(pair.board.allFrames(now: pair.now), now: pair.now)
      chatter(pair.gateway)
      acts(pair.gateway, &acted[1])
      pair.now = pair.now + .milliseconds(300)
      pair.gateway.timeOut(now: pair.now)
      pair.board.timeOut(now: pair.now)
    }
    for (events, offers) in [(pair.board.events, up), (pair.gateway.events, down)] {
      for (i, offer) in offers.enumerated() {
        #expect(events.contains(.delivered(TransferNumber(i + 1), offer)))
      }
      #expect(!events.contains(.ended(.peerSilent)))
    }
  }

  @Test func anOfferThatNobodyAnsweredYetCanBeWithdrawn() {
    let pair = DirectPair()
    for round in 1...5 as ClosedRange<UInt32> {
      let offer = offer(pair.gateway, 900, round: round)
      let number = pair.gateway.session.offer(offer, now: pair.now)!
      pair.settle()
      #expect(pair.board.events.last == .offered(number, offer))
      pair.gateway.session.withdraw(number, because: .obsolete)
      pair.settle()
      #expect(pair.board.events.last == .withdrawn(number, offer, .obsolete))
      // An owner that took its time is told that there is nothing to accept.
      let accepted = pair.board.session.accept(number, offer, held: 0, now: pair.now)
      #expect(!accepted)
    }
    let progress = pair.board.session.progress(ofIncoming: 1)
    #expect(progress == nil)
    #expect(pair.gateway.events.count == 1)
  }

  @Test func offersBeyondTheSlotsAreDeclinedAsBusyWhateverTheOwnerDoes() {
    let pair = DirectPair()
    let first = offer(pair.gateway, 900, round: 1)
    let second = offer(pair.gateway, 900, round: 2)
    _ = pair.gateway.session.offer(first, now: pair.now)
    _ = pair.gateway.session.offer(second, now: pair.now)
    pair.settle()
    // A peer that does not keep to two at once.
    let third = Offer(transfer: 77, object: offer(pair.gateway, 900, round: 3))
    let queued = pair.gateway.session.enqueue(.offer(third))
    #expect(queued)
    pair.settle()
    #expect(pair.board.events.count == 3)
    // The name an earlier session's offer had: it must not be taken for this one, nor end the wait for an answer.
    let stale = pair.board.session.accept(1, second, held: 0, now: pair.now)
    #expect(!stale)
    let accepted = pair.board.session.accept(1, first, held: 0, now: pair.now)
    #expect(accepted)
  }

  @Test func anAnswerThatCrossesAWithdrawalMeansNothing() {
    let pair = DirectPair()
    let offer = offer(pair.gateway, 900)
    let number = pair.gateway.session.offer(offer, now: pair.now)!
    pair.settle()
    pair.board.objects.expect(offer.name)
    let accepted = pair.board.session.accept(number, offer, held: 0, now: pair.now)
    #expect(accepted)
    pair.gateway.session.withdraw(number, because: .obsolete)
    pair.settle()
    #expect(pair.gateway.events.count == 1)
    #expect(pair.board.events.last == .withdrawn(number, offer, .obsolete))
  }

  @Test func anObjectThatCannotBeReadAnyMoreIsReportedOnBothSides() {
    let link = SimulatedLink(seed: 1)
    SessionTests.establish(link)
    let content = SessionTests.content(100)
    let name = ObjectName(digest: SHA256.hash(of: content.span), length: 100)
    let offer = ObjectOffer(kind: .model, name: name, round: 0)
    _ = link.gateway.session.offer(offer, now: link.now)
    let done = link.run(seconds: 5) {
      link.gateway.events.contains(.declined(1, offer, .sourceFailed))
        && link.board.events.contains(.withdrawn(1, offer, .sourceFailed))
    }
    #expect(done)
  }

  @Test func twoObjectsThatLackNothingAreBothReportedAsReceived() {
    let pair = DirectPair()
    let first = offer(pair.gateway, 40, round: 1)
    let second = offer(pair.gateway, 0, round: 2)
    _ = pair.gateway.session.offer(first, now: pair.now)
    _ = pair.gateway.session.offer(second, now: pair.now)
    pair.settle()
    for (number, offer) in [(1, first), (2, second)] as [(TransferNumber, ObjectOffer)] {
      let accepted = pair.board.session.accept(number, offer, held: 40, now: pair.now)
      #expect(accepted)
    }
    let events = [
      pair.board.session.takeCompleted(), pair.board.session.takeCompleted(),
      pair.board.session.takeCompleted(),
    ]
    #expect(events == [.received(1, first), .received(2, second), .nothing])
  }

}
