import BoardRuntime
import Bytes
import Datasets
import LinkProtocol
public import VirtualHardware

/// A board in virtual time: the firmware's runtime on flash that outlives resets.
public final class SimulatedBoard {
  /// What the board can be reached by.
  enum Carrier: Hashable {
    case cable, radio
  }

  /// Virtual time of one slice of work, µs.
  private let sliceTime: UInt64
  let id: UInt64
  /// What it keeps without power.
  public let flash: CuttableNORFlash
  private let shard: Dataset
  /// The longest frame and the window of the carrier that it is reached by from its next start on.
  var limits: LinkLimits
  private var runtime: BoardRuntime<SimulatedHardware>
  private var framings: [Carrier: SimulatedFraming] = [:]
  /// The carrier of its session, or of its last one.
  private(set) var active: Carrier?
  private var frame = BoundedBytes(capacity: 1100)
  private var coded = BoundedBytes(capacity: 1200)
  /// When it may work again.
  private var busyUntil = Timestamp(microseconds: 0)
  private var hasWork = true

  init(id: UInt64, shard: Dataset, limits: LinkLimits, sliceTime: UInt64) {
    self.id = id
    self.shard = shard
    self.limits = limits
    flash = CuttableNORFlash(pageCount: 24, seed: id)
    self.sliceTime = sliceTime
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
    framings = [:]
    active = nil
    hasWork = true
  }

  /// A carrier is gone.
  func lost(_ carrier: Carrier, now: Timestamp) {
    framings[carrier] = nil
    guard active == carrier else { return }
    active = nil
    runtime.linkLost(now: now)
  }

  /// It has one session: a gateway that greets over the cable takes it over, and one that speaks over another carrier
  /// than the session's is else not heard.
  func receive(_ bytes: [UInt8], over carrier: Carrier, now: Timestamp) {
    let framing = framings[carrier] ?? SimulatedFraming(maximumFrame: limits.maximumFrame)
    framings[carrier] = framing
    var offset = 0
    while framing.stream.advance(over: bytes.span, from: &offset) {
      if active != carrier {
        let isFree = active == nil || !runtime.isConnected
        if !isFree {
          guard carrier == .cable, Self.isGreeting(framing.stream.frame) else { continue }
        }
        if active != nil { runtime.linkLost(now: now) }
        active = carrier
      }
      runtime.receive(frame: framing.stream.frame, now: now)
    }
    hasWork = true
  }

  private static func isGreeting(_ frame: Span<UInt8>) -> Bool {
    do throws(FrameError) {
      return try Frame.parse(frame).kind == .greeting
    } catch {
      return false
    }
  }

  /// The next frame as it goes over a carrier, and how many bytes of an object it carries.
  func nextCoded(over carrier: Carrier, now: Timestamp) -> (bytes: [UInt8], ofObject: Int)? {
    guard active == carrier, runtime.nextFrame(now: now, into: &frame) else { return nil }
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
    busyUntil = now + sliceTime
  }

  /// The digest of the model that it holds.
  public var model: String? { runtime.model.map(String.init(describing:)) }
}

/// Frames on one byte stream.
final class SimulatedFraming {
  var stream: StreamFraming

  init(maximumFrame: Int) { stream = StreamFraming(maximumFrame: maximumFrame) }
}
