import BoardRuntime
import Bytes
import Datasets
import LinkProtocol
import VirtualHardware

/// The same runtime on the same examples in this process, in virtual time, frame by frame: what the emulated
/// board has to equal bit by bit.
final class ReferenceBoard {
  private var board: BoardRuntime<VirtualBoardHardware>
  private var frame = BoundedBytes(capacity: 1200)
  private var now = Timestamp(microseconds: 1)
  let side: GatewaySide

  init(shard: Dataset, id: UInt64, flash path: String) throws {
    board = BoardRuntime(
      hardware: VirtualBoardHardware(
        flash: try NORFlash(path: path, pageCount: 128), examples: DatasetExamples(shard)),
      configuration: BoardConfiguration(
        board: id, firmware: ShortText("0.1.0"), hardware: ShortText("virtual"), arena: 48_000,
        limits: LinkLimits(maximumFrame: 1040, window: 4096)))
    side = GatewaySide(now: now)
  }

  func offer(_ content: [UInt8]) -> ObjectName { side.offer(content, now: now) }

  /// Runs both until `done`; false if that was not so after as much work as no test needs.
  func run(until done: () -> Bool) -> Bool {
    for _ in 0..<1_000_000 {
      now = now + 100
      if let due = side.session.nextDeadline, due <= now { side.timeOut(now: now) }
      if let due = board.nextDeadline, due <= now { board.timeOut(now: now) }
      while let bytes = side.nextFrame(now: now) { board.receive(frame: bytes.span, now: now) }
      while board.nextFrame(now: now, into: &frame) { side.receive(frame: frame.span, now: now) }
      _ = board.work(now: now)
      if done() { return true }
    }
    return false
  }
}
