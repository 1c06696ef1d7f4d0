import Bytes
import Digests
import LinkSimulation
import Testing

@testable import LinkProtocol

/// What is sent again, and when.
@Suite struct TimingTests {
  @Test func aReceiverThatGotNothingYetMakesNobodySendAgain() {
    // Frame numbers above 2^15 come "before" 0 in the order modulo 2^16.
    let pair = DirectPair(sequence: 40_000)
    let name = pair.gateway.objects.add(SessionTests.content(3_000))
    let offer = ObjectOffer(kind: .model, name: name, round: 0)
    let number = pair.gateway.session.offer(offer, now: pair.now)!
    pair.settle()
    pair.board.objects.expect(offer.name)
    let accepted = pair.board.session.accept(number, offer, held: 0, now: pair.now)
    #expect(accepted)
    pair.gateway.receive(pair.board.allFrames(now: pair.now), now: pair.now)
    let chunks = pair.gateway.allFrames(now: pair.now)
    #expect(chunks.count == 11)  // ten chunks and the acknowledgement of the answer
    let later = pair.now + .milliseconds(249 + 2)
    pair.board.timeOut(now: later)
    pair.gateway.receive(pair.board.allFrames(now: later), now: later)
    let again = pair.gateway.allFrames(now: later).filter { $0[0] == FrameKind.chunk.rawValue }
    #expect(again.count == 0)
  }

  @Test func onALinkSlowerThanTheFirstTimeoutOneWindowAtMostIsSentTwice() {
    for delay in [130, 200, 300, 450] as [UInt64] {
      let link = SimulatedLink(seed: 1, carrier: .stream(delay: .milliseconds(delay)))
      SessionTests.establish(link)
      let offer = ObjectOffer(
        kind: .model, name: link.gateway.objects.add(SessionTests.content(65_412)), round: 0)
      _ = link.gateway.session.offer(offer, now: link.now)
      let done = link.run(seconds: 120) { link.gateway.events.contains(.delivered(1, offer)) }
      #expect(done)
      #expect(link.gateway.chunkBytesSent <= 65_412 + 4096, "delay \(delay) ms")
    }
  }

  @Test func theEndOfAGapIsAcknowledgedAtOnce() {
    let name = ObjectName(digest: .zero, length: 1_600)
    var transfer = IncomingTransfer(
      number: 1, offer: ObjectOffer(kind: .model, name: name, round: 0), held: 0, chunk: 100, window: 800,
      latestSequence: 0, now: Timestamp(microseconds: 0))
    // Eight chunks are the window. The first is lost; its second copy opens the way for all that follows.
    for i in [1, 2, 3, 4, 5, 6, 7, 0] {
      let outcome = transfer.received(
        offset: 100 * i, length: 100, sequence: UInt16(i), now: Timestamp(microseconds: 0))
      #expect(outcome == .write)
      transfer.stored(at: 100 * i)
      let news = transfer.takeAcknowledgement()
      #expect(news?.contiguous == (i == 0 ? 800 : 0))
      #expect(news?.creditLimit == (i == 0 ? 1_600 : 800))
    }
  }
}
