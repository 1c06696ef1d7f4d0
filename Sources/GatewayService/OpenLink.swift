import Bytes
import LinkProtocol
import NIOCore

/// A serial port in use: its channel, and the frames on its byte stream.
final class OpenLink {
  let path: String
  let channel: any Channel
  private var framing: StreamFraming
  private var frame: BoundedBytes
  private var coded: BoundedBytes
  private var reported = StreamDamage()
  /// Set when the gateway itself closes the link, with the reason.
  var refusal: String?

  init(path: String, channel: any Channel, limits: LinkLimits) {
    self.path = path
    self.channel = channel
    framing = StreamFraming(maximumFrame: limits.maximumFrame)
    frame = BoundedBytes(capacity: limits.maximumFrame)
    coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: limits.maximumFrame))
  }

  /// Calls `body` with every frame that `buffer` completes.
  func frames(in buffer: ByteBuffer, _ body: (Span<UInt8>) -> Void) {
    let bytes = Array(buffer.readableBytesView)
    var offset = 0
    while framing.advance(over: bytes.span, from: &offset) { body(framing.frame) }
  }

  /// Damage to the stream that was not reported yet.
  func takeDamage() -> String? {
    guard framing.damage != reported else { return nil }
    defer { reported = framing.damage }
    return framing.damage.oversized > reported.oversized
      ? "bytes that are no frame, or one longer than \(frame.capacity) bytes"
      : "a frame was cut short; it counts as lost and is sent again"
  }

  /// Sends what `next` writes, until it answers false or the port takes no more.
  func send(_ next: (inout BoundedBytes) -> Bool) {
    var wrote = false
    while channel.isWritable, next(&frame) {
      coded.removeAll()
      COBS.encode(frame.span, into: &coded)
      var buffer = channel.allocator.buffer(capacity: coded.count)
      for i in 0..<coded.count { buffer.writeInteger(coded.span[i]) }
      channel.write(buffer, promise: nil)
      wrote = true
    }
    if wrote { channel.flush() }
  }
}
