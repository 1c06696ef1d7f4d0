import LinkSimulation
import Testing

@testable import LinkProtocol

/// The simulated carriers move what those they stand for could move at best.
@Suite struct SimulatedCarrierTests {
  @Test(arguments: [
    (SimulatedCarrier.usb12Mbit, 1_216_000),  // 19 packets of 64 bytes in 1 ms
    (.ble1M15ms, 65_067), (.ble1M30ms, 48_800),  // 4 and 6 packets of 244 bytes in an interval
    (.ble2M15ms, 97_600), (.ble2M30ms, 65_067),
    (.stream(byteTime: 90), 11_111),
  ]) func aBareCarrierMovesItsRate(carrier: SimulatedCarrier, bytesPerSecond: Int) {
    let count = 976 * 1_000
    let rate = Double(count) * 1e6 / Double(carrier.timeToMove(count, seed: 1))
    // Begin and end fall within an event.
    #expect(abs(rate / Double(bytesPerSecond) - 1) < 0.02, "\(carrier.name): \(rate)")
  }

  @Test func aFullQueueHoldsTheSenderBack() {
    let carrier = SimulatedCarrier.stream(byteTime: 1_000, queue: 3_000)
    let link = SimulatedLink(seed: 1, carrier: carrier, window: 32_768)
    SessionTests.establish(link)
    let offer = ObjectOffer(
      kind: .model, name: link.gateway.objects.add(SessionTests.content(65_412)), round: 0)
    _ = link.gateway.session.offer(offer, now: link.now)
    var most = 0
    link.run(seconds: 10) {
      most = max(most, link.queuedDown)
      return false
    }
    // Up to 3,000 bytes wait when one more frame is taken.
    #expect(most < 3_000 + 1_110)
    #expect(link.gateway.chunkBytesSent < 20_000)
  }

  @Test func jitterKeepsTheOrder() {
    for seed in 1...4 as ClosedRange<UInt64> {
      let link = SimulatedLink(seed: seed, carrier: .stream(byteTime: 5, jitter: 30_000, queue: 8_192))
      SessionTests.establish(link)
      let offer = ObjectOffer(
        kind: .model, name: link.gateway.objects.add(SessionTests.content(65_412)), round: 0)
      _ = link.gateway.session.offer(offer, now: link.now)
      let done = link.run(seconds: 60) { link.gateway.events.contains(.delivered(1, offer)) }
      #expect(done)
      // What comes late may be sent twice; what was overtaken would count as lost.
      let lost = [link.gateway.session.framesLost, link.board.session.framesLost]
      #expect(lost == [0, 0], "seed \(seed)")
    }
  }
}
