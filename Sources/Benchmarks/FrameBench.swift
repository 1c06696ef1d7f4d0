import Bytes
import Digests
import LinkProtocol

/// Coding and decoding of a chunk's frame, beside the one pass that cannot be avoided: its CRC-32C.
enum FrameBench {
  private static let length = 1024
  private static let frames = 2000

  static func run() {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 3) }
    var frame = BoundedBytes(capacity: length + 64)
    var coded = BoundedBytes(capacity: length + 80)
    var accepted = 0
    let coding = Measurement.medians(of: 15) {
      for i in 0..<frames {
        Frame.begin(
          FrameHeader(kind: .chunk, session: 1, sequence: UInt16(truncatingIfNeeded: i)), into: &frame)
        frame.append(contentsOf: payload.span)
        Frame.seal(&frame)
        coded.removeAll()
        COBS.encode(frame.span, into: &coded)
      }
    } _: {
      var sum: UInt32 = 0
      for _ in 0..<frames { sum ^= CRC32C.of(payload.span) }
      accepted += Int(sum & 1)
    }
    let decoding = Measurement.median(of: 15) {
      accepted += decode(coded.span)
    }
    precondition(accepted >= frames)
    let bytes = Double(length * frames)
    Measurement(
      bench: "frame/encode_1024/mb_per_s", value: bytes / coding.a / 1e6, unit: "MB/s"
    ).report()
    Measurement(
      bench: "frame/encode_1024/ratio_to_crc32c", value: coding.a / coding.b, unit: "ratio"
    ).report()
    Measurement(bench: "frame/decode_1024/mb_per_s", value: bytes / decoding / 1e6, unit: "MB/s").report()
  }

  /// Decodes the same bytes over and over; how many frames came out.
  private static func decode(_ coded: Span<UInt8>) -> Int {
    var framing = StreamFraming(maximumFrame: 1100)
    var accepted = 0
    for _ in 0..<frames {
      var offset = 0
      while framing.advance(over: coded, from: &offset) {
        do throws(FrameError) {
          _ = try Frame.parse(framing.frame)
          accepted += 1
        } catch {}
      }
    }
    return accepted
  }
}
