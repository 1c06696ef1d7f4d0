import BLESecurity
import PropertyTesting
import Testing

@testable import BLEHost

/// The credit-based channel and the signalling around it.
struct ChannelTests {
  private let quick = Bench.configuration { $0.inboxCapacity = 2000 }

  private func quicklyConnected(_ configuration: BLEHostConfiguration? = nil) -> Bench {
    let bench = Bench.started(configuration ?? quick)
    bench.connect(interval: 12)
    return bench
  }

  /// The segments of a frame.
  private func segments(_ frame: [UInt8], mps: Int) -> [[UInt8]] {
    let whole = [UInt8(frame.count & 255), UInt8(frame.count >> 8)] + frame
    return stride(from: 0, to: whole.count, by: mps).map { Array(whole[$0..<min($0 + mps, whole.count)]) }
  }

  @Test func aChannelOpensWithCreditsForTheRoomThereIs() {
    let bench = quicklyConnected()
    #expect(bench.openChannel() == [0x40, 0, 0x10, 0x04, 0xf2, 0x01, 4, 0, 0, 0])
    #expect(bench.carrier == .l2cap)
    #expect(bench.takeEvents().last == .carrierOpened(.l2cap))
  }

  @Test func whatDoesNotFitIsRefusedWithItsReason() {
    func result(_ answer: [UInt8]) -> UInt8? { answer.prefix(8).allSatisfy { $0 == 0 } ? answer[8] : nil }
    let bench = quicklyConnected()
    #expect(result(bench.openChannel(psm: 0x81)) == 2)
    #expect(result(bench.openChannel(source: 0x3f)) == 9)
    #expect(result(bench.openChannel(source: 0x80)) == 9)
    #expect(result(bench.openChannel(mtu: 319)) == 0x0b)
    #expect(result(bench.openChannel(mps: 22)) == 0x0b)
    #expect(bench.carrier == nil)
    #expect(bench.openChannel().last == 0)
    #expect(result(bench.openChannel()) == 0x0a)
    #expect(result(bench.openChannel(source: 0x51)) == 4)
    #expect(bench.statistics.channelsRefused == 7)
  }

  @Test func framesGoOutInSegmentsAsCreditsAllow() {
    let bench = quicklyConnected()
    _ = bench.openChannel(mps: 50, credits: 2)
    let frame = (0..<200).map { UInt8($0) }
    let expected = segments(frame, mps: 50)
    bench.send(frame: frame)
    #expect(bench.takePDUs(0x50) == Array(expected[..<2]))
    #expect(!bench.canSendFrame)
    #expect(bench.signal(0x16, 9, [0x50, 0, 1, 0]) == [])
    #expect(bench.takePDUs(0x50) == [expected[2]])
    // Credits for another channel are none for this one.
    _ = bench.signal(0x16, 9, [0x51, 0, 9, 0])
    #expect(bench.takePDUs(0x50) == [])
    _ = bench.signal(0x16, 9, [0x50, 0, 9, 0])
    #expect(bench.takePDUs(0x50) == Array(expected[3...]))
    #expect(bench.canSendFrame)
  }

  @Test func framesComeInHoweverTheyAreCut() {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let bench = quicklyConnected()
      _ = bench.openChannel()
      var credits = 4
      for _ in 0..<20 {
        let frame = octets(Int.random(in: 0...1040, using: &generator), &generator)
        for segment in segments(frame, mps: Int.random(in: 300...498, using: &generator)) {
          #expect(credits > 0, "seed \(seed)")
          credits -= 1
          bench.send(
            0x40, segment, fragments: (0..<9).map { _ in Int.random(in: 1...251, using: &generator) })
          for given in bench.takePDUs(5) { credits += Int(given[6]) }
        }
        #expect(bench.takeFrames() == [frame], "seed \(seed)")
        for given in bench.takePDUs(5) { credits += Int(given[6]) }
      }
    }
  }

  /// Whatever is taken when, the peer never has more credits than there is room, and is never left without for ever.
  @Test func creditsNeverExceedTheRoom() {
    for seed in 0..<25 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let bench = quicklyConnected()
      var credits = Int(bench.openChannel()[6])
      var sent: [[UInt8]] = []
      var taken: [[UInt8]] = []
      var waiting: [[UInt8]] = []
      for _ in 0..<300 {
        if waiting.isEmpty {
          let frame = octets(Int.random(in: 0...1040, using: &generator), &generator)
          waiting = segments(frame, mps: Int.random(in: 23...498, using: &generator))
          sent.append(frame)
        }
        if credits > 0, generator.chance(0.7) {
          credits -= 1
          bench.send(0x40, waiting.removeFirst())
        } else if generator.chance(0.3) {
          taken += bench.takeFrames()
        }
        for given in bench.takePDUs(5) { credits += Int(given[6]) + Int(given[7]) << 8 }
        #expect(credits * 498 <= 2000, "seed \(seed)")
      }
      taken += bench.takeFrames()
      for given in bench.takePDUs(5) { credits += Int(given[6]) }
      #expect(credits > 0, "seed \(seed)")
      #expect(taken == Array(sent.prefix(taken.count)) && taken.count >= sent.count - 1, "seed \(seed)")
      #expect(bench.statistics.violations == 0)
    }
  }

  @Test func whoBreaksTheRulesLosesTheChannel() {
    let cases: [(String, (Bench) -> Void)] = [
      ("more segments than credits", { bench in for _ in 0..<5 { bench.send(0x40, [9, 0, 1]) } }),
      ("a segment too long", { $0.send(0x40, [0xff, 3] + [UInt8](repeating: 0, count: 497)) }),
      ("a frame too long", { $0.send(0x40, [0x11, 4, 0]) }),
      ("more than the frame has", { $0.send(0x40, [1, 0, 5, 5]) }),
      ("a segment without length", { $0.send(0x40, [1]) }),
      (
        "more than the frame has, later",
        { bench in
          bench.send(0x40, [3, 0, 5, 5])
          bench.send(0x40, [5, 5])
        }
      ),
      ("too many credits", { _ = $0.signal(0x16, 4, [0x50, 0, 0xff, 0xff]) }),
    ]
    for (what, offence) in cases {
      let bench = quicklyConnected()
      _ = bench.openChannel()
      _ = bench.takeEvents()
      offence(bench)
      #expect(bench.takeEvents() == [.carrierClosed(.l2cap, .violation)], "\(what)")
      // The end is asked for by the host, and a new channel is refused until it was answered.
      #expect(bench.statistics.violations == 1, "\(what)")
      #expect(bench.openChannel(source: 0x51)[8] == 4, "\(what)")
      _ = bench.signal(0x07, 1, [0x50, 0, 0x40, 0])
      #expect(bench.openChannel(source: 0x51)[8] == 0, "\(what)")
    }
  }

  @Test func thePeerMayCloseAndOpenAgain() {
    let bench = quicklyConnected()
    for _ in 0..<3 {
      #expect(bench.openChannel()[8] == 0)
      // One for another end of the peer's says nothing; one for a channel that is not there is rejected.
      #expect(bench.signal(0x06, 3, [0x40, 0, 0x51, 0]) == [])
      #expect(bench.signal(0x06, 3, [0x41, 0, 0x50, 0]) == [0x01, 3, 6, 0, 2, 0, 0x41, 0, 0x50, 0])
      #expect(bench.carrier == .l2cap)
      #expect(bench.signal(0x06, 3, [0x40, 0, 0x50, 0]) == [0x07, 3, 4, 0, 0x40, 0, 0x50, 0])
      #expect(bench.carrier == nil)
      #expect(bench.signal(0x06, 3, [0x40, 0, 0x50, 0]).first == 0x01)
    }
  }

  @Test func whoNeverGivesCreditsLosesTheChannel() {
    let bench = quicklyConnected()
    _ = bench.openChannel(credits: 0)
    bench.send(frame: [1, 2, 3])
    bench.advance(seconds: 29)
    #expect(bench.carrier == .l2cap)
    bench.advance(seconds: 1)
    #expect(bench.takeEvents().last == .carrierClosed(.l2cap, .stalled))
    // It does not say that it heard this either.
    bench.advance(seconds: 10)
    #expect(bench.openChannel(source: 0x51)[8] == 0)
  }

  @Test func unknownCommandsAreRejectedAndAnswersAreNot() {
    let bench = quicklyConnected()
    #expect(bench.signal(0x17, 5, [0x80, 0, 64, 0, 64, 0, 1, 0, 0x50, 0]) == [0x01, 5, 2, 0, 0, 0])
    #expect(bench.signal(0x12, 5, [6, 0, 6, 0, 0, 0, 100, 0]) == [0x01, 5, 2, 0, 0, 0])
    #expect(bench.signal(0x99, 5, []) == [0x01, 5, 2, 0, 0, 0])
    #expect(bench.signal(0x14, 5, [1, 2, 3]) == [0x01, 5, 2, 0, 0, 0])
    #expect(bench.signal(0x15, 5, [UInt8](repeating: 0, count: 10)) == [])
    #expect(bench.signal(0x01, 5, [0, 0]) == [])
    #expect(bench.signal(0x99, 0, []) == [])
    bench.send(5, [0x14, 5, 99, 0])
    #expect(bench.takePDUs(5) == [[0x01, 5, 2, 0, 0, 0]])
    bench.send(5, [0x14])
    #expect(bench.takePDUs(5) == [])
  }

  @Test func theChannelWinsOverNotifications() {
    let bench = quicklyConnected()
    _ = bench.ask([0x12, 0x22, 0, 1, 0])
    #expect(bench.carrier == .gatt)
    bench.send(4, [0x52, 0x1f, 0, 0x80, 3, 0, 7, 8, 9])
    #expect(bench.takeFrames() == [[7, 8, 9]])
    bench.send(4, [0x52, 0x1f, 0, 0x81, 3, 0, 7])
    _ = bench.takeEvents()
    _ = bench.openChannel()
    #expect(bench.takeEvents() == [.carrierClosed(.gatt, .superseded), .carrierOpened(.l2cap)])
    bench.send(4, [0x52, 0x1f, 0, 0x80, 3, 0, 7, 8, 9])
    #expect(bench.takeFrames() == [])
    bench.send(0x40, [2, 0, 5, 6])
    #expect(bench.takeFrames() == [[5, 6]])
    _ = bench.signal(0x06, 3, [0x40, 0, 0x50, 0])
    #expect(bench.carrier == .gatt)
    bench.send(frame: [1, 2])
    #expect(bench.takePDUs(4) == [[0x1b, 0x21, 0, 0x80, 2, 0, 1, 2]])
  }

  @Test func framesTooLongForThePeerAreDropped() {
    let bench = quicklyConnected()
    _ = bench.openChannel(mtu: 320)
    bench.send(frame: [UInt8](repeating: 1, count: 321))
    #expect(bench.takePDUs(0x50) == [])
    #expect(bench.statistics.framesDropped == 1)
    bench.send(frame: [UInt8](repeating: 1, count: 320))
    #expect(!bench.takePDUs(0x50).isEmpty)
  }
}
