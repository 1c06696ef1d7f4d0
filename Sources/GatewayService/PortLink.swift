import Bytes
import Gateway
import LinkProtocol
import NIOCore
import SerialDevices

/// A serial port in use: its channel, and the frames on its byte stream.
final class PortLink: OpenLink {
  let path: String
  /// What is plugged in behind the port; nil if it is not a board's USB port.
  let plugging: Plugging?
  /// The first and last descriptor of the port: the channel has duplicates, so that what it closes on the event loop
  /// never waits for the device.
  let descriptor: CInt
  let channel: any Channel
  private var framing: StreamFraming
  private var frame: BoundedBytes
  private var coded: BoundedBytes
  private var reported = StreamDamage()
  /// Set when the gateway itself closes the link.
  var refusal: LinkRefusal?
  /// Why it closed; the first reason that is known.
  var reason: String?
  /// Whether a board was ever served on it.
  var hasServed = false

  init(
    path: String, plugging: Plugging?, descriptor: CInt, channel: any Channel, limits: LinkLimits
  ) {
    self.path = path
    self.plugging = plugging
    self.descriptor = descriptor
    self.channel = channel
    framing = StreamFraming(maximumFrame: limits.maximumFrame)
    frame = BoundedBytes(capacity: limits.maximumFrame)
    coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: limits.maximumFrame))
  }

  /// How the use of the port ends.
  var ending: PortSchedule.Ending {
    switch refusal {
    case nil: hasServed ? .served : .unanswered
    // That is the gateway's fault, and may be over soon.
    case .notNoted: .unanswered
    case .identityTaken: .refusedForAnother
    case .noCommonVersion, .foreignIdentity, .garbage, .boardMoved, .betterCarrier: .refused
    }
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
