import BoardStorage
public import Bytes
public import Digests
public import LinkProtocol
import UpdateCodec

/// Everything a board does, generic over its hardware: it answers a gateway, keeps models in flash, trains and
/// evaluates in slices, and offers what it learnt. What it learnt lies in flash before it is offered, until the
/// gateway has confirmed it.
///
/// No I/O of its own, no clock, and no allocation after `init`. The owner hands in the frames that a carrier
/// delivered, asks for frames to send, and calls ``work(now:)`` while it has nothing better to do: each call
/// takes about as long as one training example, so the link is never left unanswered for long.
public struct BoardRuntime<Hardware: BoardHardware & ~Copyable>: ~Copyable {
  /// Time between two reports of training progress. Seldom enough to cost little on the slowest link.
  static var reportInterval: UInt64 { .milliseconds(500) }
  /// Time in which nothing was asked or done, after which flash is prepared for what may come: nobody is answered while
  /// a page is erased, 85 ms on an nRF52840.
  static var quietTime: UInt64 { .milliseconds(300) }
  /// Time before an update is offered again that the gateway had no room for.
  static var offerPause: UInt64 { .seconds(1) }

  let configuration: BoardConfiguration
  var session: LinkSession
  var carriers = CarrierChoice()
  var bench: Workbench<Hardware>
  var activity = Activity.idle
  /// An object whose bytes are all here.
  var toVerify: Verification?
  /// A task that waits until the board is free.
  var nextTraining: TrainTask?
  var nextEvaluation: Digest32?
  /// What could not be queued when it came up; retried at every opportunity.
  var reportToSend: EvaluationReport?
  var problemToSend: Problem?
  var findingToSend: StorageFinding?
  var outbox = LogOutbox()
  var bootTime: Timestamp?
  /// By what to pair with the gateway that the board had on a cable; nil if none came yet.
  public internal(set) var cableSecret: Octets16?
  var hasNewSecret = false
  var shownPhase: BoardPhase?
  /// When something was last asked or done; nil since the start.
  var lastBusy: Timestamp?
  var now = Timestamp(microseconds: 0)

  /// Starts the board: reads what its flash holds.
  public init(hardware: consuming Hardware, configuration: BoardConfiguration) {
    let boot = hardware.randomWord()
    var capabilities: Capabilities = [.training]
    if hardware.examples.count(of: .heldOut) > 0 { capabilities.insert(.evaluation) }
    if configuration.pairsByCable { capabilities.insert(.pairsByCable) }
    let examples = UInt32(clamping: hardware.examples.count(of: .training))
    self.configuration = configuration
    bench = Workbench(hardware: hardware, arena: configuration.arena)
    cableSecret = configuration.pairsByCable ? bench.storedCableSecret() : nil
    var welcome = Welcome(
      board: configuration.board, maximumFrame: UInt16(clamping: configuration.limits.maximumFrame),
      capabilities: capabilities, firmware: configuration.firmware, hardware: configuration.hardware,
      boot: boot, examples: examples, maximumParameters: UInt32(clamping: configuration.arena))
    welcome.model = bench.newestModel
    welcome.codings = CodingSet.all.rawValue
    session = .board(welcome, limits: configuration.limits)
  }

  // MARK: The link

  /// Takes a frame that a carrier delivered, header to checksum. One that comes over another carrier than that of the
  /// session is heard only if no session would suffer, or if a gateway greets over the cable.
  public mutating func receive(frame: Span<UInt8>, over carrier: BoardCarrier = .cable, now: Timestamp) {
    notice(now)
    lastBusy = now
    switch carriers.heard(frame, over: carrier, isInUse: session.isEstablished) {
    case .unheard: return
    case .takesOver: handle(session.abandon(now: now))
    case .heard: break
    }
    let event = session.receive(frame: frame, now: now, objects: &bench)
    handle(event)
  }

  /// Writes the next frame to send over this carrier into `frame`; false if there is none.
  public mutating func nextFrame(
    over carrier: BoardCarrier = .cable, now: Timestamp, into frame: inout BoundedBytes
  ) -> Bool {
    notice(now)
    guard carriers.active == carrier else { return false }
    return session.nextFrame(now: now, objects: &bench, into: &frame)
  }

  /// When ``timeOut(now:)`` has to be called at the latest.
  public var nextDeadline: Timestamp? {
    let due = Timestamp.earliest(session.nextDeadline, quietBegins)
    guard let update = bench.update, update.transfer == nil, session.isEstablished, update.notBefore > now
    else { return due }
    return .earliest(due, update.notBefore)
  }

  /// When there will be time to erase what is to be erased.
  private var quietBegins: Timestamp? {
    guard let lastBusy, now < lastBusy + Self.quietTime, case .idle = activity, bench.store.hasPagesToErase
    else { return nil }
    return lastBusy + Self.quietTime
  }

  /// Whether nothing was asked or done for a while.
  var isQuiet: Bool {
    guard let lastBusy else { return true }
    return now - lastBusy >= Self.quietTime
  }

  /// Time passed.
  public mutating func timeOut(now: Timestamp) {
    notice(now)
    handle(session.timeOut(now: now))
  }

  /// A carrier is gone: if the session was on it, whoever comes next has to greet.
  public mutating func linkLost(over carrier: BoardCarrier = .cable, now: Timestamp) {
    notice(now)
    guard carriers.lost(carrier) else { return }
    handle(session.abandon(now: now))
  }

  /// Whether a gateway is there.
  public var isConnected: Bool { session.isEstablished }

  /// Frames and faults on the link.
  public var statistics: LinkStatistics { session.statistics }

  /// The newest model in flash.
  public var model: Digest32? { bench.newestModel }

  /// Says something in a gateway's log, whenever one is there. It may come to be said twice.
  ///
  /// - Returns: false if too much waits to be said already; say it again later.
  public mutating func log(_ level: LogLevel, _ text: ShortText) -> Bool {
    outbox.add(LogLine(level: level, text: text))
  }

  /// What it is doing.
  public var phase: BoardPhase {
    if case .idle = activity {
      if bench.update != nil { return .holdingUpdate }
      return bench.arriving == nil ? .idle : .receiving
    }
    return activity.phase
  }

  /// Access to the hardware, for its owner.
  public mutating func withHardware<Result>(_ body: (inout Hardware) -> Result) -> Result {
    body(&bench.hardware)
  }

  private mutating func notice(_ now: Timestamp) {
    self.now = now
    if bootTime == nil { bootTime = now }
  }
}
