import BoardRuntime
import Bytes
import Datasets
import LinkProtocol
public import VirtualHardware

/// A board in virtual time: the firmware's runtime on flash that outlives resets.
public final class SimulatedBoard {
  /// Virtual time of one slice of work, µs.
  static let sliceTime: UInt64 = 200

  let id: UInt64
  /// What it keeps without power.
  public let flash: CuttableNORFlash
  private let shard: Dataset
  /// The longest frame and the window of the carrier that it is reached by from its next start on.
  var limits: LinkLimits
  private var runtime: BoardRuntime<SimulatedHardware>
  private var framing: StreamFraming
  private var frame = BoundedBytes(capacity: 1100)
  private var coded = BoundedBytes(capacity: 1200)
  /// When it may work again.
  private var busyUntil = Timestamp(microseconds: 0)
  private var hasWork = true

  init(id: UInt64, shard: Dataset, limits: LinkLimits) {
    self.id = id
    self.shard = shard
    self.limits = limits
    flash = CuttableNORFlash(pageCount: 24, seed: id)
    framing = StreamFraming(maximumFrame: limits.maximumFrame)
    runtime = Self.boot(id, shard, flash, limits)
  }

  private static func boot(
    _ id: UInt64, _ shard: Dataset, _ flash: CuttableNORFlash, _ limits: LinkLimits
  ) -> BoardRuntime<SimulatedHardware> {
    BoardRuntime(
      hardware: SimulatedHardware(flash: flash, examples: DatasetExamples(shard)),
      configuration: BoardConfiguration(
        board: id, firmware: ShortText("sim"), hardware: ShortText("simulated"), arena: 4000,
        limits: limits))
  }

  /// Power off and on: only flash is left.
  func reset() {
    flash.powerUp()
    runtime = Self.boot(id, shard, flash, limits)
    framing = StreamFraming(maximumFrame: limits.maximumFrame)
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

  /// The next frame as it goes over the wire, and how many bytes of an object it carries.
  func nextCoded(now: Timestamp) -> (bytes: [UInt8], ofObject: Int)? {
    guard runtime.nextFrame(now: now, into: &frame) else { return nil }
    coded.removeAll()
    COBS.encode(frame.span, into: &coded)
    var carried = 0
    if frame.span[0] == FrameKind.chunk.rawValue { carried = frame.count - LinkSession.chunkOverhead }
    return (coded.copied(), carried)
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

  /// The digest of the model that it holds.
  public var model: String? { runtime.model.map(String.init(describing:)) }
}
