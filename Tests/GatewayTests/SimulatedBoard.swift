import BoardRuntime
import Bytes
import Datasets
import LinkProtocol
import VirtualHardware

/// A board in virtual time: the firmware's runtime on flash that outlives resets.
final class SimulatedBoard {
  static let limits = LinkLimits(maximumFrame: 600, window: 4096)
  /// Virtual time of one slice of work, µs.
  static let sliceTime: UInt64 = 200

  let id: UInt64
  private let flash: NORFlash
  private let shard: Dataset
  private var runtime: BoardRuntime<VirtualBoardHardware>
  private var framing = StreamFraming(maximumFrame: limits.maximumFrame)
  private var frame = BoundedBytes(capacity: 1100)
  private var coded = BoundedBytes(capacity: 1200)
  /// When it may work again.
  private var busyUntil = Timestamp(microseconds: 0)
  private(set) var hasWork = true

  init(id: UInt64, shard: Dataset, flash: NORFlash = NORFlash(pageCount: 16)) {
    self.id = id
    self.shard = shard
    self.flash = flash
    runtime = Self.boot(id, shard, flash)
  }

  private static func boot(
    _ id: UInt64, _ shard: Dataset, _ flash: NORFlash
  ) -> BoardRuntime<VirtualBoardHardware> {
    BoardRuntime(
      hardware: VirtualBoardHardware(flash: flash, examples: DatasetExamples(shard)),
      configuration: BoardConfiguration(
        board: id, firmware: ShortText("sim"), hardware: ShortText("simulated"), arena: 4000,
        limits: limits))
  }

  /// Power off and on: only flash is left.
  func reset() {
    runtime = Self.boot(id, shard, flash)
    framing = StreamFraming(maximumFrame: Self.limits.maximumFrame)
    hasWork = true
  }

  func linkLost(now: Timestamp) { runtime.linkLost(now: now) }

  func receive(_ bytes: [UInt8], now: Timestamp) {
    var offset = 0
    while framing.advance(over: bytes.span, from: &offset) {
      runtime.receive(frame: framing.frame, now: now)
    }
    hasWork = true
  }

  func nextCoded(now: Timestamp) -> [UInt8]? {
    guard runtime.nextFrame(now: now, into: &frame) else { return nil }
    coded.removeAll()
    COBS.encode(frame.span, into: &coded)
    return coded.copied()
  }

  /// When it wants to be called again.
  func nextDeadline(now: Timestamp) -> Timestamp? {
    hasWork ? max(busyUntil, now) : runtime.nextDeadline
  }

  /// Works a slice, or does what is due.
  func run(now: Timestamp) {
    if let due = runtime.nextDeadline, due <= now {
      runtime.timeOut(now: now)
      hasWork = true
    }
    guard hasWork, busyUntil <= now else { return }
    hasWork = runtime.work(now: now)
    busyUntil = now + Self.sliceTime
  }

  var model: String? { runtime.model.map(String.init(describing:)) }
}
