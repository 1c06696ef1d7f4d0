import BoardRuntime
import Bytes
import LinkProtocol

/// Hands the runtime's frames to the carrier, which takes them in parts.
struct FrameOutput: ~Copyable {
  private var frame: BoundedBytes
  private var stuffed: BoundedBytes
  private var sent = 0

  init(maximumFrame: Int) {
    frame = BoundedBytes(capacity: maximumFrame)
    stuffed = BoundedBytes(capacity: COBS.maximumEncodedLength(of: maximumFrame))
  }

  /// Whether part of a frame waits for room.
  var isWaiting: Bool { sent < stuffed.count }

  /// Drops what waits for room: nobody is there to read it.
  mutating func forget() {
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
        forget()
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
