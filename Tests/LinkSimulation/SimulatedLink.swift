import Bytes
public import LinkProtocol
import PropertyTesting

/// What a simulated carrier does to what it carries.
public struct LinkFaults: Sendable {
  /// Chance that a byte is dropped; of a datagram all is lost with it.
  public var loss = 0.0
  /// Chance that a bit of a byte is flipped.
  public var corruption = 0.0
  /// Chance that a frame is delivered twice.
  public var duplication = 0.0

  /// None.
  public init() {}

  func applied(to bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    guard loss > 0 || corruption > 0 else { return bytes }
    var result: [UInt8] = []
    for byte in bytes {
      if random.chance(loss) { continue }
      result.append(random.chance(corruption) ? byte ^ 1 << UInt8(random.next() & 7) : byte)
    }
    return result
  }
}

/// Two endpoints joined in virtual time.
public final class SimulatedLink {
  /// The gateway's end.
  public let gateway: LinkEndpoint
  /// The board's end.
  public let board: LinkEndpoint
  /// What the carrier does from now on to what leaves it.
  public var faults = LinkFaults()
  /// The virtual time.
  public private(set) var now = Timestamp(microseconds: 1)
  private var random: SeededGenerator
  private var down: Lane
  private var up: Lane
  private var events: EventClock?

  /// What the gateway says first.
  public static let greeting = Greeting(
    session: 0x1234_5678, maximumFrame: 1100, gateway: ShortText("pi"), time: 1_800_000_000)

  /// What the board answers.
  public static func welcome(maximumFrame: UInt16 = 1100) -> Welcome {
    Welcome(
      board: 0x7f3a_21c0_0000_0001, maximumFrame: maximumFrame, capabilities: [.training, .evaluation],
      firmware: ShortText("0.1.0"), hardware: ShortText("virtual"), boot: 7, examples: 100,
      maximumParameters: 10_000)
  }

  /// A link that nobody has spoken on yet.
  ///
  /// - Parameters:
  ///   - boardFrame: the longest frame that the board takes; nil: the carrier's longest.
  ///   - window: bytes of an object that may be under way, either way.
  public init(
    seed: UInt64, carrier: SimulatedCarrier = .stream(), boardFrame: Int? = nil, window: Int = 4096
  ) {
    random = SeededGenerator(seed: seed)
    let longest = carrier.maximumFrame
    let boardFrame = boardFrame ?? longest
    gateway = LinkEndpoint(
      .gateway(
        Self.greeting, limits: LinkLimits(maximumFrame: longest, window: window),
        now: Timestamp(microseconds: 0)), framing: carrier.framing, maximumFrame: longest)
    board = LinkEndpoint(
      .board(
        Self.welcome(maximumFrame: UInt16(boardFrame)),
        limits: LinkLimits(maximumFrame: boardFrame, window: window)), framing: carrier.framing,
      maximumFrame: boardFrame)
    down = Lane(carrier)
    up = Lane(carrier)
    events = EventClock(carrier, &random)
  }

  /// Bytes that wait on the gateway's side for the carrier to take them.
  public var queuedDown: Int { down.waitingBytes }

  /// Runs until `done` or for `seconds` of virtual time; whether it was done.
  @discardableResult
  public func run(seconds: UInt64, until done: () -> Bool) -> Bool {
    let end = now + .seconds(seconds)
    while now < end {
      pump(gateway, &down)
      pump(board, &up)
      if done() { return true }
      var next = end
      for moment in [down.next(events), up.next(events)] {
        if let moment { next = min(next, moment) }
      }
      for deadline in [gateway.session.nextDeadline, board.session.nextDeadline] {
        if let deadline { next = min(next, max(deadline, now + 1)) }
      }
      now = next
      down.advance(to: now, &events, faults, &random)
      up.advance(to: now, &events, faults, &random)
      for bytes in down.arrived(by: now) { board.receive(bytes, now: now) }
      for bytes in up.arrived(by: now) { gateway.receive(bytes, now: now) }
      for end in [gateway, board] {
        if let deadline = end.session.nextDeadline, deadline <= now { end.timeOut(now: now) }
      }
    }
    return done()
  }

  /// Everything under way is lost, as when a cable is pulled.
  public func dropEverythingInFlight() {
    down.clear()
    up.clear()
  }

  private func pump(_ endpoint: LinkEndpoint, _ lane: inout Lane) {
    while lane.hasRoom, let bytes = endpoint.nextCoded(now: now) { lane.push(bytes, now: now) }
  }
}
