import Bytes
import PropertyTesting
import Testing

@testable import BLEHost

/// HCI packets on a byte stream.
struct H4FramingTests {
  private func packets(in stream: [UInt8], pieces: [Int], maximum: Int = 300) -> [[UInt8]] {
    var framing = H4Framing(maximumPacket: maximum)
    var found: [[UInt8]] = []
    var at = 0
    var number = 0
    while at < stream.count {
      let end = min(stream.count, at + pieces[number % pieces.count])
      let piece = Array(stream[at..<end])
      var offset = 0
      while framing.advance(over: piece.span, from: &offset) {
        found.append((0..<framing.packet.count).map { framing.packet[$0] })
      }
      at = end
      number += 1
    }
    return found
  }

  @Test func packetsAreFoundHoweverTheStreamIsCut() {
    for seed in 0..<50 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var sent: [[UInt8]] = []
      for _ in 0..<10 {
        let length = Int.random(in: 0...200, using: &generator)
        let data = octets(length, &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: sent.append([4, 0x3e, UInt8(length)] + data)
        case 1: sent.append([3, 1, 0, UInt8(length)] + data)
        case 2: sent.append([5, 1, 0, UInt8(length), 0xc0] + data)
        default: sent.append([2, 1, 0x20, UInt8(length), 0] + data)
        }
      }
      let pieces = (0..<7).map { _ in Int.random(in: 1...40, using: &generator) }
      #expect(packets(in: sent.flatMap { $0 }, pieces: pieces) == sent, "seed \(seed)")
    }
  }

  @Test func packetsTooLongAreLeftOut() {
    let tooLong: [UInt8] = [2, 1, 0x20, 0x2c, 0x01] + [UInt8](repeating: 4, count: 300)
    let event: [UInt8] = [4, 0x0e, 1, 9]
    for piece in [1, 3, 100, 1000] {
      #expect(packets(in: event + tooLong + event, pieces: [piece]) == [event, event])
    }
  }

  @Test func octetsThatAreNoTypeArePassedOver() {
    var framing = H4Framing(maximumPacket: 300)
    let stream: [UInt8] = [0, 9, 1, 4, 0x0e, 0, 0xff]
    var offset = 0
    #expect(framing.advance(over: stream.span, from: &offset))
    #expect(framing.packet.count == 3)
    #expect(!framing.advance(over: stream.span, from: &offset))
    #expect(framing.strayOctets == 4)
  }

  @Test func anythingMayCome() {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let stream = (0..<400).map { _ in UInt8.random(in: 0...6, using: &generator) }
      let whole = packets(in: stream, pieces: [400])
      #expect(whole == packets(in: stream, pieces: [1]), "seed \(seed)")
      #expect(whole.allSatisfy { $0.count <= 300 }, "seed \(seed)")
    }
  }
}
