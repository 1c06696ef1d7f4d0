import Bytes
import PropertyTesting
import Testing

@testable import BLEHost

/// Frames cut to the MTU and put together again, by the gateway's side of it.
struct GATTCarrierTests {
  private func fragments(of frame: [UInt8], _ carrier: inout GATTCarrier, limit: Int) -> [[UInt8]] {
    var fragment = BoundedBytes(capacity: 512)
    var all: [[UInt8]] = []
    carrier.send(frame: frame.span)
    while carrier.nextFragment(limit: limit, into: &fragment) { all.append(fragment.copied()) }
    return all
  }

  private func takeAll(_ carrier: inout GATTCarrier) -> [[UInt8]] {
    var frame = BoundedBytes(capacity: 1200)
    var frames: [[UInt8]] = []
    while carrier.takeFrame(into: &frame) { frames.append(frame.copied()) }
    return frames
  }

  @Test func fragmentsAreAsTheSpecificationShowsThem() {
    var carrier = GATTCarrier(maximumFrame: 1040)
    let frame = (0..<40).map { UInt8($0) }
    let cut = fragments(of: frame, &carrier, limit: 20)
    #expect(cut.map { $0.count } == [20, 20, 5])
    #expect(cut[0].starts(with: [0x80, 40, 0, 0, 1, 2]))
    #expect(cut[1].starts(with: [0x01, 17, 18]))
    #expect(cut[2] == [0x02, 36, 37, 38, 39])
    let small = fragments(of: [9], &carrier, limit: 20)
    #expect(small == [[0x83, 1, 0, 9]])
  }

  @Test func framesArriveWhole() {
    for seed in 0..<25 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var sender = GATTCarrier(maximumFrame: 1040)
      var receiver = GATTCarrier(maximumFrame: 1040)
      for _ in 0..<30 {
        let frame = octets(Int.random(in: 1...1040, using: &generator), &generator)
        for fragment in fragments(of: frame, &sender, limit: Int.random(in: 20...512, using: &generator)) {
          receiver.receive(fragment: fragment.span)
        }
        #expect(takeAll(&receiver) == [frame], "seed \(seed)")
      }
      #expect(receiver.lostFrames == 0)
    }
  }

  @Test func aLostFragmentCostsItsFrameOnly() {
    for seed in 0..<50 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var sender = GATTCarrier(maximumFrame: 1040)
      var receiver = GATTCarrier(maximumFrame: 1040)
      for _ in 0..<40 {
        let frame = octets(Int.random(in: 1...400, using: &generator), &generator)
        var isWhole = true
        for fragment in fragments(of: frame, &sender, limit: 60) {
          if generator.chance(0.1) {
            isWhole = false
          } else {
            receiver.receive(fragment: fragment.span)
          }
        }
        #expect(takeAll(&receiver) == (isWhole ? [frame] : []), "seed \(seed)")
      }
    }
  }

  @Test func anythingMayComeAndTheNextFrameIsUnharmed() {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var sender = GATTCarrier(maximumFrame: 320)
      var receiver = GATTCarrier(maximumFrame: 320)
      for _ in 0..<50 {
        var fragment = octets(Int.random(in: 0...60, using: &generator), &generator)
        if fragment.count > 2 { fragment[2] &= 1 }
        receiver.receive(fragment: fragment.span)
        #expect(takeAll(&receiver).allSatisfy { $0.count <= 320 }, "seed \(seed)")
      }
      let frame = octets(320, &generator)
      for fragment in fragments(of: frame, &sender, limit: 100) { receiver.receive(fragment: fragment.span) }
      #expect(takeAll(&receiver) == [frame], "seed \(seed)")
    }
  }
}
