import Bytes
import PropertyTesting
import Testing

@testable import LinkProtocol

/// Byte stuffing against Protocols/vectors/cobs.json, and against arbitrary streams.
@Suite struct COBSTests {
  /// Everything that a receiver makes of a stream, in the notation of the vectors.
  private func outcomes(_ stream: [UInt8], maximum: Int) -> [String] {
    var decoder = COBSDecoder(maximumFrame: maximum)
    var outcomes: [String] = []
    for byte in stream {
      switch decoder.push(byte) {
      case .incomplete: break
      case .frame: outcomes.append(hex(copied(decoder.frame)))
      case .malformed: outcomes.append("malformed")
      case .oversized: outcomes.append("oversized")
      }
    }
    return outcomes
  }

  @Test func framesAreStuffedAsTheVectorsSay() throws {
    for vector in try Vectors.list("coded", of: "cobs") {
      let (frame, stream) = (vector.bytes("frame"), vector.text("stream"))
      #expect(hex(written { COBS.encode(frame.span, into: &$0) }) == stream)
      #expect(outcomes(unhex(stream), maximum: frame.count) == [hex(frame)])
    }
  }

  @Test func streamsAreTakenApartAsTheVectorsSay() throws {
    for vector in try Vectors.list("streams", of: "cobs") {
      let expected = (vector["outcomes"] as! [Any]).map { outcome in
        (outcome as? [String: Any])?.text("frame") ?? outcome as! String
      }
      #expect(
        outcomes(vector.bytes("stream"), maximum: vector.integer("maximum")) == expected,
        "\(vector.comment())")
    }
  }

  @Test func framesOfEveryLengthAndWithZerosAnywhereComeBack() {
    var random = SeededGenerator(seed: 75)
    var coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: 1100))
    var decoder = COBSDecoder(maximumFrame: 1100)
    for length in 0...1100 {
      for zeros in [0, 1, 2, 300] as [UInt64] {
        // No zero, only zeros, every second byte, and seldom enough that blocks are full in between.
        let frame = (0..<length).map { _ in
          zeros == 1 || (zeros > 1 && random.next() % zeros == 0)
            ? 0 : UInt8(truncatingIfNeeded: random.next()) | 1
        }
        coded.removeAll()
        COBS.encode(frame.span, into: &coded)
        let count = coded.count
        #expect(!coded.overflowed && count <= COBS.maximumEncodedLength(of: length))
        var last = COBSDecoder.Outcome.incomplete
        for i in 0..<count {
          let byte = coded.span[i]
          if (byte == 0) != (i == count - 1) { Issue.record("a zero within the frame of length \(length)") }
          last = decoder.push(byte)
        }
        let same = last == .frame && isEqual(decoder.frame, frame)
        #expect(same, "length \(length), zeros \(zeros)")
      }
    }
  }

  private func isEqual(_ a: Span<UInt8>, _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    for i in 0..<b.count where a[i] != b[i] { return false }
    return true
  }

  @Test func afterAnyGarbageTheNextFrameIsFound() {
    let seed: UInt64 = 76
    var random = SeededGenerator(seed: seed)
    let frame = SessionTests.content(60)
    let coded = written { COBS.encode(frame.span, into: &$0) }
    var framing = StreamFraming(maximumFrame: 64)
    for round in 0..<1_500 {
      var stream = (0..<random.next() % 200).map { _ in
        random.chance(0.05) ? 0 : UInt8(truncatingIfNeeded: random.next())
      }
      // Whatever the garbage was, the zero ends it.
      stream.append(0)
      stream += coded
      var offset = 0
      var found: [UInt8] = []
      while framing.advance(over: stream.span, from: &offset) {
        #expect(framing.frame.count <= 64)
        found = copied(framing.frame)
      }
      #expect(offset == stream.count)
      #expect(found == frame, "seed \(seed), round \(round)")
    }
    let damage = framing.damage
    #expect(damage.malformed > 1000 && damage.oversized > 100)
  }
}
