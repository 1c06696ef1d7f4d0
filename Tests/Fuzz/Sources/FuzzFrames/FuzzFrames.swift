import Bytes
import FuzzSupport
import LinkProtocol

/// A byte stream, and frames of which something is right.
///
/// Whatever comes in, frames are within bounds, do not depend on how the stream was cut into pieces, and are what
/// their own coding says.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFrames(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var input = FuzzInput(start, count)
  let longest = 16 + 5 * Int(input.byte())
  let piece = 1 + Int(input.byte())
  let stream = input.rest()
  let whole = frames(in: stream, longest: longest, piece: stream.count + 1)
  require(whole == frames(in: stream, longest: longest, piece: piece), "frames depend on the pieces")
  for frame in whole {
    require(frame.count <= longest, "a frame is longer than announced")
    var coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: frame.count))
    COBS.encode(frame.span, into: &coded)
    require(!coded.overflowed, "a coding is longer than the longest")
    require(
      frames(in: coded.copied(), longest: longest, piece: 1) == [frame], "a coding decodes to something else")
    do throws(FrameError) {
      let header = try Frame.parse(frame.span)
      var again = BoundedBytes(capacity: frame.count)
      Frame.begin(header, into: &again)
      again.append(contentsOf: Frame.body(of: frame.span))
      Frame.seal(&again)
      require(again.copied() == frame, "a frame that was taken is not what a sender makes")
    } catch {}
  }
  return 0
}

/// The frames that come out of a stream that arrives in pieces.
private func frames(in stream: [UInt8], longest: Int, piece: Int) -> [[UInt8]] {
  var framing = StreamFraming(maximumFrame: longest)
  var frames: [[UInt8]] = []
  for begin in stride(from: 0, to: stream.count, by: piece) {
    let part = Array(stream[begin..<min(begin + piece, stream.count)])
    var offset = 0
    while framing.advance(over: part.span, from: &offset) {
      frames.append((0..<framing.frame.count).map { framing.frame[$0] })
    }
  }
  return frames
}
