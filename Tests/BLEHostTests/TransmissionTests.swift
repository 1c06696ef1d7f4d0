import PropertyTesting
import Testing

@testable import BLEHost

/// What goes to the controller: never more than it holds, and never mixed up.
struct TransmissionTests {
  /// The bench stops at once if a PDU is cut into by another one, or a buffer too many is used.
  @Test func buffersAreNeverExceeded() {
    for seed in 0..<25 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let bench = Bench()
      bench.aclLength = Int.random(in: 27...251, using: &generator)
      bench.aclCount = Int.random(in: 1...6, using: &generator)
      bench.packetCapacity = Int.random(in: 64...256, using: &generator)
      bench.completesAtOnce = false
      bench.start()
      bench.connect(interval: 12)
      bench.send(5, [0x14, 7, 10, 0, 0x80, 0, 0x50, 0, 0x10, 4, 100, 0, 0xff, 0xff])
      var sent: [[UInt8]] = []
      var asked = 0
      for _ in 0..<300 {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0 where bench.canSendFrame:
          let frame = octets(Int.random(in: 1...1040, using: &generator), &generator)
          sent.append(frame)
          bench.send(frame: frame)
        case 1:
          bench.send(4, [0x0a, 3, 0])
          asked += 1
        case 2 where bench.inFlight > 0:
          bench.complete(Int.random(in: 1...bench.inFlight, using: &generator))
          bench.pump()
        default:
          break
        }
      }
      while bench.inFlight > 0 {
        bench.complete(1)
        bench.pump()
      }
      #expect(bench.mostInFlight <= bench.aclCount, "seed \(seed)")
      var joined: [UInt8] = []
      for segment in bench.takePDUs(0x50) { joined += segment }
      let expected = sent.flatMap { [UInt8($0.count & 255), UInt8($0.count >> 8)] + $0 }
      #expect(joined == expected, "seed \(seed)")
      let answers = bench.takePDUs(4)
      #expect(answers.count <= asked && !answers.isEmpty, "seed \(seed)")
    }
  }

  @Test func aConnectionBeginsWithAllBuffersFree() {
    let bench = Bench.connected()
    bench.completesAtOnce = false
    for _ in 0..<9 { bench.send(4, [0x0a, 3, 0]) }
    #expect(bench.inFlight == 4)
    bench.disconnect()
    bench.completesAtOnce = true
    bench.connect()
    _ = bench.takePDUs()
    #expect(bench.ask([0x0a, 5, 0]) == [0x0b, 0x40, 0x05])
  }

  @Test func pdusAreWholeHoweverTheyAreCut() {
    for seed in 0..<25 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let bench = Bench.connected()
      for _ in 0..<20 {
        let fragments = (0..<5).map { _ in Int.random(in: 1...9, using: &generator) }
        bench.send(4, [0x0a, 5, 0], fragments: fragments)
        #expect(bench.takePDUs(4) == [[0x0b, 0x40, 0x05]], "seed \(seed)")
      }
    }
  }

  @Test func fragmentsThatDoNotFitAreForgotten() {
    let bench = Bench.connected()
    let read: [UInt8] = [3, 0, 4, 0, 0x0a, 5, 0]
    // A continuation of nothing; a PDU cut short by the next; one with more than it says; one of a length that nobody takes.
    bench.acl(read, isStart: false)
    bench.acl(Array(read[..<5]), isStart: true)
    bench.acl(read + [1], isStart: true)
    bench.acl([0xff, 0xff, 4, 0], isStart: true)
    bench.acl([1, 2, 3], isStart: false)
    bench.pump()
    #expect(bench.takePDUs().isEmpty)
    bench.acl(read, isStart: true)
    bench.pump()
    #expect(bench.takePDUs(4) == [[0x0b, 0x40, 0x05]])
  }
}

/// Any octets, in any order.
struct ArbitraryInputTests {
  @Test func theHostSurvivesAnythingAndServesTheNext() {
    for seed in 0..<40 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let bench = Bench.connected()
      if generator.chance(0.5) { _ = bench.openChannel() }
      for _ in 0..<200 {
        switch Int.random(in: 0..<6, using: &generator) {
        case 0:
          // Not an event that says the controller failed, or that buffers are free which are not used.
          var code = UInt8.random(in: .min ... .max, using: &generator)
          if [0x05, 0x10, 0x13].contains(code) { code = 0x3e }
          bench.event(code, octets(Int.random(in: 0...30, using: &generator), &generator))
        case 1: bench.receive(octets(Int.random(in: 0...30, using: &generator), &generator))
        case 2: bench.send(4, octets(Int.random(in: 0...60, using: &generator), &generator))
        case 3: bench.send(5, octets(Int.random(in: 0...20, using: &generator), &generator))
        case 4:
          bench.send(
            UInt16.random(in: 0...0x42, using: &generator),
            octets(Int.random(in: 0...600, using: &generator), &generator)
          )
        default:
          bench.acl(
            octets(Int.random(in: 0...40, using: &generator), &generator), isStart: generator.chance(0.5))
        }
        if generator.chance(0.1) { bench.send(frame: octets(100, &generator)) }
        if generator.chance(0.1) { _ = bench.takeFrames() }
        bench.pump()
        _ = bench.takePDUs()
        _ = bench.takeEvents()
      }
      bench.disconnect()
      bench.advance(seconds: 5)
      bench.advance(seconds: 5)
      bench.connect()
      _ = bench.takePDUs()
      #expect(bench.ask([0x0a, 5, 0]) == [0x0b, 0x40, 0x05], "seed \(seed)")
    }
  }
}
