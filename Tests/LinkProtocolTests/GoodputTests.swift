import LinkSimulation
import Testing

@testable import LinkProtocol

/// What the window makes of each carrier: kept full, and never so full that the rest has to wait.
@Suite struct GoodputTests {
  /// A link in session, a moment after the gateway offered an object of this length.
  private func offered(
    _ length: Int, seed: UInt64, carrier: SimulatedCarrier, credit: Int
  ) -> (link: SimulatedLink, offer: ObjectOffer) {
    let link = SimulatedLink(seed: seed, carrier: carrier, window: credit)
    SessionTests.establish(link)
    let offer = ObjectOffer(
      kind: .model, name: link.gateway.objects.add(SessionTests.content(length, seed: seed)), round: 0)
    _ = link.gateway.session.offer(offer, now: link.now)
    return (link, offer)
  }

  @Test(arguments: SimulatedCarrier.presets, [4_096, 32_768]) func nineTenthsOfTheBareCarrier(
    carrier: SimulatedCarrier, credit: Int
  ) {
    for (length, seeds) in [(65_412, 1...3), (200_000, 4...4)] as [(Int, ClosedRange<UInt64>)] {
      for seed in seeds {
        // Offer and answer are part of the time.
        let (link, offer) = offered(length, seed: seed, carrier: carrier, credit: credit)
        let start = link.now
        let done = link.run(seconds: 60) { link.board.events.contains(.received(1, offer)) }
        #expect(done)
        let ratio = Double(carrier.timeToMove(length, seed: seed)) / Double(link.now - start)
        #expect(ratio >= 0.9, "\(carrier.name), \(length) bytes, seed \(seed)")
        #expect(link.gateway.chunkBytesSent == length)
      }
    }
  }

  @Test(arguments: [
    // At most what three connection events and the queue of one take; without a window 32 KB would be queued:
    // 330 to 670 ms on the radios, 3 s on the serial line.
    (SimulatedCarrier.usb12Mbit, 25 as UInt64), (.ble1M15ms, 160), (.ble1M30ms, 200), (.ble2M15ms, 130),
    (.ble2M30ms, 200), (.stream(byteTime: 90, queue: 65_536), 450),
  ]) func aMessageInTheMiddleOfAnObjectWaitsForAFractionOfIt(carrier: SimulatedCarrier, milliseconds: UInt64)
  {
    for seed in 1...6 as ClosedRange<UInt64> {
      let (link, _) = offered(65_412, seed: seed, carrier: carrier, credit: 32_768)
      link.run(seconds: 60) { link.gateway.chunkBytesSent > 6_000 + 9_000 * Int(seed) }
      let asked = link.now
      let message = ControlMessage.stopTraining(StopTraining(round: 4))
      let taken = link.gateway.session.send(message)
      let heard = link.run(seconds: 5) { link.board.events.contains(.message(message)) }
      #expect(taken && heard)
      #expect(link.now - asked < .milliseconds(milliseconds), "\(carrier.name), seed \(seed)")
    }
  }

  @Test(arguments: SimulatedCarrier.presets) func twoObjectsAtOnceShareTheCarrierEvenly(
    carrier: SimulatedCarrier
  ) {
    for credit in [4_096, 32_768] {
      let (link, _) = offered(65_412, seed: 3, carrier: carrier, credit: credit)
      let second = link.gateway.objects.add(SessionTests.content(65_412, seed: 9))
      _ = link.gateway.session.offer(ObjectOffer(kind: .model, name: second, round: 1), now: link.now)
      let start = link.now
      // Both are under way, then on and on.
      for share in 1...5 {
        let enough = link.run(seconds: 60) { link.gateway.chunkBytesSent > share * 24_000 }
        #expect(enough)
        let delivered = [1, 2].map { Int(link.gateway.session.progress(ofOutgoing: $0)?.delivered ?? 65_412) }
        #expect(abs(delivered[0] - delivered[1]) <= 4 * 1_024, "\(carrier.name): \(delivered)")
      }
      let done = link.run(seconds: 60) { link.board.objects.isWhole(second) }
      #expect(done)
      let ratio = Double(carrier.timeToMove(130_824, seed: 3)) / Double(link.now - start)
      #expect(ratio >= 0.9, "\(carrier.name)")
    }
  }
}
