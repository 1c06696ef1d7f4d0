import BoardRuntime
import LinkProtocol

/// Takes bytes from the carrier and hands the frames in them to the runtime.
struct FrameInput: ~Copyable {
  /// Bytes taken before the board may answer.
  private static var budget: Int { 4096 }

  private var framing: StreamFraming
  private var bytes: [UInt8]

  init(maximumFrame: Int) {
    framing = StreamFraming(maximumFrame: maximumFrame)
    bytes = [UInt8](repeating: 0, count: 256)
  }

  @inline(never)
  mutating func hand<Board: Machine & ~Copyable>(
    from machine: inout Board, to runtime: inout BoardRuntime<Board.Hardware>
  ) {
    var taken = 0
    while taken < Self.budget {
      var room = bytes.mutableSpan
      let count = machine.receive(into: &room)
      guard count > 0 else { return }
      taken += count
      Self.deliver(bytes, count, through: &framing, to: &runtime, at: machine.now())
    }
  }

  // Apart, so that the bytes stay borrowed while the framing changes.
  @inline(never)
  private static func deliver<Hardware: BoardHardware>(
    _ bytes: [UInt8], _ count: Int, through framing: inout StreamFraming,
    to runtime: inout BoardRuntime<Hardware>, at now: Timestamp
  ) {
    var offset = 0
    let received = bytes.span.extracting(0..<count)
    while framing.advance(over: received, from: &offset) {
      runtime.receive(frame: framing.frame, over: .cable, now: now)
    }
  }
}
