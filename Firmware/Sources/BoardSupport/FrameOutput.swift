import BoardRuntime
import Bytes
import LinkProtocol

/// Hands the runtime's frames to the carrier, which takes them in parts.
struct FrameOutput: ~Copyable {
  private var frame: BoundedBytes
  private var stuffed: BoundedBytes
  private var sent = 0
  /// The end of a frame may be missing from what went out.
  private var hasCut = false

  init(maximumFrame: Int) {
    frame = BoundedBytes(capacity: maximumFrame)
    stuffed = BoundedBytes(capacity: 1 + COBS.maximumEncodedLength(of: maximumFrame))
  }

  /// Whether part of a frame waits for room.
  var isWaiting: Bool { sent < stuffed.count }

  /// Drops what waits for room: nobody is there to read it. What the carrier has taken of it may yet reach whoever comes
  /// next, so that the next frame begins by ending that.
  mutating func forget() {
    clear()
    hasCut = true
  }

  private mutating func clear() {
    stuffed.removeAll()
    sent = 0
  }

  /// Goes on until the carrier takes no more: a peer that does not read costs nothing but its own frames.
  @inline(never)
  mutating func hand<Board: Machine & ~Copyable>(
    from runtime: inout BoardRuntime<Board.Hardware>, to machine: inout Board
  ) {
    while true {
      if !isWaiting {
        guard runtime.nextFrame(over: .cable, now: machine.now(), into: &frame) else { return }
        clear()
        if hasCut { stuffed.append(0) }
        hasCut = false
        Self.stuff(frame, into: &stuffed)
      }
      let count = machine.transmit(stuffed.span.extracting(sent..<stuffed.count))
      guard count > 0 else { return }
      sent += count
    }
  }

  private static func stuff(_ frame: borrowing BoundedBytes, into stuffed: inout BoundedBytes) {
    COBS.encode(frame.span, into: &stuffed)
  }
}
