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
    let framing = FramingBox()
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
      for _ in 0..<frames { accepted += framing.decode(coded.span) }
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
}

/// Holds the decoder, which cannot be copied into a closure.
private final class FramingBox {
  private var framing = StreamFraming(maximumFrame: 1100)

  private static func count(_ bytes: Span<UInt8>, in count: inout Int) {
    do throws(FrameError) {
      _ = try Frame.parse(bytes)
      count += 1
    } catch {}
  }

  /// 1 if the bytes are a frame.
  func decode(_ bytes: Span<UInt8>) -> Int {
    var offset = 0
    guard framing.advance(over: bytes, from: &offset) else { return 0 }
    var count = 0
    Self.count(framing.frame, in: &count)
    return count
  }
}
