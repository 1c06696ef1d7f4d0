import LinkSimulation
import PropertyTesting
import Testing

@testable import LinkProtocol

/// Objects that need several sessions, each over another carrier.
@Suite struct ResumeTests {
  /// A carrier of any kind and longest frame.
  private func carrier(_ random: inout SeededGenerator) -> SimulatedCarrier {
    let presets =
      SimulatedCarrier.presets + [
        .stream(delay: random.next() % 40_000, byteTime: Double(1 + random.next() % 20)),
        .stream(delay: 2_000, byteTime: 1, jitter: 5_000, queue: 16_384),
      ]
    var carrier = presets[Int(random.next() % UInt64(presets.count))]
    // Frames of every length from what everybody takes; chunks are whole words of it.
    carrier.maximumFrame = 320 + Int(random.next() % 800)
    return carrier
  }

  @Test func aCutCostsOneCreditWindowAtMostWhateverTheNextCarrierIs() {
    var oddBeginnings = 0
    var cuts = 0
    for seed in 1...150 as ClosedRange<UInt64> {
      var random = SeededGenerator(seed: seed)
      let length = 1 + Int(random.next() % 40_000)
      let fromBoard = random.chance(0.5)
      let content = SessionTests.content(length, seed: seed)
      var link = SimulatedLink(seed: seed, carrier: carrier(&random), window: 4_096)
      let name = (fromBoard ? link.board : link.gateway).objects.add(content)
      let offer = ObjectOffer(kind: .model, name: name, round: 0)
      var window = 4_096
      var sent = 0
      var allowed = length
      var isDelivered = false
      for session in 0..<12 where !isDelivered {
        let sender = fromBoard ? link.board : link.gateway
        let receiver = fromBoard ? link.gateway : link.board
        SessionTests.establish(link)
        _ = sender.session.offer(offer, now: link.now)
        // Any frame of the transfer may be the last; the last session is left alone.
        let last = session == 11 ? .max : sender.session.statistics.framesSent + UInt32(random.next() % 40)
        let over = link.run(seconds: 120) {
          sender.session.statistics.framesSent >= last || sender.events.contains(.delivered(1, offer))
        }
        #expect(over, "seed \(seed), session \(session)")
        isDelivered = sender.events.contains(.delivered(1, offer))
        sent += sender.chunkBytesSent
        guard !isDelivered else { break }
        cuts += 1
        allowed += window
        window = 400 + Int(random.next() % 8_000)
        let nextCarrier = carrier(&random)
        let held = Int(receiver.held[name] ?? 0)
        let chunk = nextCarrier.maximumFrame - LinkSession.chunkOverhead & ~3
        if held % chunk != 0 { oddBeginnings += 1 }
        window = max(window, chunk)
        let next = SimulatedLink(seed: seed + 1_000, carrier: nextCarrier, window: window)
        (next.gateway.objects, next.gateway.held) = (link.gateway.objects, link.gateway.held)
        (next.board.objects, next.board.held) = (link.board.objects, link.board.held)
        link = next
      }
      let whole = (fromBoard ? link.gateway : link.board).objects.isWhole(name)
      #expect(isDelivered && whole, "seed \(seed)")
      #expect(sent <= allowed, "\(sent) bytes sent for \(length), \(allowed) allowed, seed \(seed)")
    }
    // The property was about something.
    #expect(cuts > 200 && oddBeginnings > 100, "\(cuts) cuts, \(oddBeginnings) of them within a chunk")
  }

  @Test func whatIsHeldAlreadyIsNotSentWhereverItEnds() {
    for held in [1, 3, 955, 956, 957, 4_001, 9_999, 10_000] {
      let link = SimulatedLink(seed: 1, carrier: .ble2M15ms)
      SessionTests.establish(link)
      let content = SessionTests.content(10_000)
      let name = link.gateway.objects.add(content)
      link.board.objects.expect(name)
      let begin = Array(content[..<held])
      _ = link.board.objects.write(begin.span, of: name, at: 0)
      link.board.held[name] = UInt32(held)
      let offer = ObjectOffer(kind: .model, name: name, round: 0)
      _ = link.gateway.session.offer(offer, now: link.now)
      let done = link.run(seconds: 5) { link.gateway.events.contains(.delivered(1, offer)) }
      #expect(done)
      #expect(link.gateway.chunkBytesSent == 10_000 - held)
    }
  }
}
