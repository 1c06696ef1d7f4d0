import PropertyTesting
import Testing

@testable import LinkProtocol

/// How much is under way on carriers of any rate and delay.
@Suite struct SendWindowTests {
  /// A pipe that lets one byte pass in `byteTime` µs and acknowledges each chunk `delay` µs later.
  private struct Pipe {
    let byteTime: Double
    let delay: UInt64
    var chunk = 1_000
    var window = SendWindow()
    var now = Timestamp(microseconds: 5)
    var inFlight = 0
    private var acknowledgements: [Timestamp] = []
    private var free = 5.0

    init(byteTime: Double, delay: UInt64) {
      self.byteTime = byteTime
      self.delay = delay
    }

    /// Sends for as long as the window and `credit` allow, then lets the next chunk arrive.
    mutating func step(credit: Int = .max) {
      while inFlight + chunk <= credit, window.hasRoom(for: chunk, inFlight: inFlight) {
        inFlight += chunk
        window.sent(chunk, inFlight: inFlight, now: now)
        free = max(free, Double(now.microseconds)) + Double(chunk) * byteTime
        acknowledgements.append(Timestamp(microseconds: UInt64(free) + delay))
      }
      now = acknowledgements.removeFirst()
      inFlight -= chunk
      window.acknowledged(chunk, inFlight: inFlight, now: now)
    }

    /// The most and the mean of bytes under way, over so many chunks.
    mutating func observe(_ chunks: Int) -> (most: Int, mean: Double) {
      var most = 0
      var sum = 0
      for _ in 0..<chunks {
        step()
        most = max(most, inFlight + chunk)
        sum += inFlight + chunk
      }
      return (most, Double(sum) / Double(chunks))
    }
  }

  @Test(
    arguments: [
      (byteTime: 1.0, delay: 20_000), (10, 50_000), (10, 200_000), (3, 35_000), (30, 100_000), (0.8, 12_000),
    ] as [(byteTime: Double, delay: UInt64)]) func whatIsUnderWayFollowsTheProductOfRateAndDelay(
      byteTime: Double, delay: UInt64
    )
  {
    var pipe = Pipe(byteTime: byteTime, delay: delay)
    let product = Double(delay) / byteTime + Double(pipe.chunk)
    for _ in 0..<400 { pipe.step() }
    let begin = pipe.now
    let under = pipe.observe(2_000)
    #expect(under.mean > product, "\(under)")
    #expect(Double(under.most) < 2 * product + 2_000, "\(under), product \(product)")
    // The pipe is full but for the moments in which a queue is searched for.
    let rate = 2_000 * Double(pipe.chunk) / Double(pipe.now - begin)
    #expect(rate * byteTime > 0.95)
  }

  @Test func aQueueThatWasThereFromTheBeginningIsFound() {
    // What may be sent at first takes 400 ms, and the delay is a twentieth of that.
    var pipe = Pipe(byteTime: 100, delay: 20_000)
    for _ in 0..<100 { pipe.step() }
    let under = pipe.observe(300)
    #expect(under.most <= 4_000, "\(under)")
    #expect(under.mean > 1_500)
  }

  @Test func aFastCarrierIsNeverHeldBack() {
    // A pseudo-terminal: whatever the credits are, the window is larger as soon as something was measured.
    var pipe = Pipe(byteTime: 0.002, delay: 40)
    for _ in 0..<10 { pipe.step() }
    for _ in 0..<5_000 {
      pipe.step()
      #expect(pipe.window.hasRoom(for: 1_000, inFlight: 63_000))
    }
  }

  @Test func lessToSendForAWhileDoesNotNarrowIt() {
    var pipe = Pipe(byteTime: 5, delay: 60_000)
    for _ in 0..<200 { pipe.step() }
    let before = pipe.observe(200).most
    for _ in 0..<200 { pipe.step(credit: 1_000) }
    let after = pipe.observe(30).most
    #expect(Double(after) > 0.6 * Double(before))
  }

  @Test func aCarrierThatBecomesSlowerIsFollowed() {
    var pipe = Pipe(byteTime: 2, delay: 50_000)
    for _ in 0..<1_000 { pipe.step() }
    var slow = Pipe(byteTime: 20, delay: 50_000)
    slow.window = pipe.window
    slow.now = pipe.now
    for _ in 0..<400 { slow.step() }
    let under = slow.observe(500)
    #expect(under.most < 2 * (2_500 + 1_000) + 2_000, "\(under)")
  }

  @Test func twoChunksAreAlwaysAllowedWhateverIsMeasured() {
    let seed: UInt64 = 86
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      var window = SendWindow()
      var now = Timestamp(microseconds: random.next() >> (random.next() % 64))
      for _ in 0..<300 {
        now = now + random.next() >> (1 + random.next() % 63)
        let chunk = 1 + Int(random.next() % 65_535)
        let inFlight = Int(random.next() % (1 << (random.next() % 23)))
        if random.chance(0.5) {
          window.sent(chunk, inFlight: inFlight + chunk, now: now)
        } else {
          window.acknowledged(chunk * Int(random.next() % 33), inFlight: inFlight, now: now)
        }
        let allowed = window.hasRoom(for: chunk, inFlight: chunk)
        let bounded = window.hasRoom(for: chunk, inFlight: 1 << 26)
        #expect(allowed && !bounded, "seed \(seed)")
      }
    }
  }
}
