// Instructions of what a board does for every frame and every stored object.
//
// To be run with QEMU's `-icount shift=0`, which lets one instruction take one nanosecond of virtual time.
import BoardSupport
import Bytes
public import CBoard
import Digests
import LinkProtocol
import MPS2Board
import UpdateCodec

@main struct ProtocolBenchMain {
  private static let turns: UInt32 = 32
  /// The largest chunk in a frame of 1040 bytes.
  private static let chunk = 1024

  static func main() {
    var content = [UInt8](repeating: 0, count: chunk)
    for i in 0..<chunk { content[i] = UInt8(truncatingIfNeeded: i &* 7) }
    var frame = BoundedBytes(capacity: 1040)
    var stuffed = BoundedBytes(capacity: COBS.maximumEncodedLength(of: 1040))
    var framing = StreamFraming(maximumFrame: 1040)

    report("frame_encode_1034") {
      Frame.begin(FrameHeader(kind: .chunk, session: 1, sequence: 2), into: &frame)
      frame.append(contentsOf: content.span)
      Frame.seal(&frame)
      stuff(frame, into: &stuffed)
    }
    var decoded: UInt32 = 0
    report("frame_decode_1034") {
      var offset = 0
      while take(from: &framing, stuffed, &offset) {
        if (try? Frame.parse(framing.frame)) != nil { decoded += 1 }
      }
    }
    var digest = SHA256()
    report("sha256_block", units: UInt32(chunk / 64)) { digest.update(content.span) }
    var message = BoundedBytes(capacity: ControlMessage.maximumEncodedLength)
    let name = digest.finalize()
    report("message_encode_status") {
      message.removeAll()
      ControlMessage.status(Status(phase: .idle, uptime: 9, examples: 300, model: name, round: 1))
        .encode(into: &message)
    }
    report("message_decode_status") {
      if (try? ControlMessage(parsing: message.span)) != nil { decoded += 1 }
    }
    let parameters = [Float](repeating: 0.25, count: chunk / 4)
    report("parameter_encode", units: UInt32(chunk / 4)) {
      var destination = content.mutableSpan
      ModelSnapshot.writeBytes(of: parameters.span, from: 0, into: &destination)
    }
    var read = [Float](repeating: 0, count: chunk / 4)
    report("parameter_decode", units: UInt32(chunk / 4)) {
      var destination = read.mutableSpan
      ModelSnapshot.readParameters(content.span, into: &destination)
    }
    Emulator.exit(decoded == 2 * turns && read[9] == 0.25 ? 0 : 1)
  }

  // Apart, so that the bytes stay borrowed while the others change.
  private static func stuff(_ frame: borrowing BoundedBytes, into stuffed: inout BoundedBytes) {
    stuffed.removeAll()
    COBS.encode(frame.span, into: &stuffed)
  }

  private static func take(
    from framing: inout StreamFraming, _ stuffed: borrowing BoundedBytes, _ offset: inout Int
  ) -> Bool {
    framing.advance(over: stuffed.span, from: &offset)
  }

  /// Prints the instructions of `work`, of which one turn does several units at once.
  private static func report(_ name: StaticString, units: UInt32 = 1, _ work: () -> Void) {
    let start = InstructionCounter.now
    for _ in 0..<turns { work() }
    InstructionCounter.report(name, "swift", since: start, units: turns * units)
  }
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  Emulator.end(after: record.pointee)
}
