import Bytes
import Digests
import PropertyTesting

@testable import LinkProtocol

/// What a simulated byte stream does to what it carries.
struct LinkConditions {
  /// Chance that a byte is dropped.
  var loss = 0.0
  /// Chance that a bit of a byte is flipped.
  var corruption = 0.0
  /// Chance that a frame is delivered twice.
  var duplication = 0.0
  /// Delay of every frame in µs.
  var delay: UInt64 = 500
  /// Time a byte takes in µs.
  var byteTime: UInt64 = 1
}

/// One end of the link: a session, its framing and its objects.
final class Endpoint {
  var session: LinkSession
  var framing: StreamFraming
  var objects = MemoryObjects()
  var events: [SessionEvent] = []
  /// Bytes of partial objects that a resumed transfer may begin with.
  var held: [ObjectName: UInt32] = [:]
  var bytesSent = 0
  var chunkBytesSent = 0
  private var frame: BoundedBytes
  private var coded: BoundedBytes

  init(_ session: consuming LinkSession, maximumFrame: Int) {
    self.session = session
    framing = StreamFraming(maximumFrame: maximumFrame)
    frame = BoundedBytes(capacity: 4096)
    coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: 4096))
  }

  /// The next frame as it goes on the stream; nil if there is nothing to send.
  func nextCoded(now: Timestamp) -> [UInt8]? {
    guard session.nextFrame(now: now, objects: &objects, into: &frame) else { return nil }
    precondition(!frame.overflowed)
    if frame.span[0] == FrameKind.chunk.rawValue { chunkBytesSent += frame.count - LinkSession.chunkOverhead }
    coded.removeAll()
    COBS.encode(frame.span, into: &coded)
    var bytes: [UInt8] = []
    for i in 0..<coded.count { bytes.append(coded.span[i]) }
    bytesSent += bytes.count
    return bytes
  }

  func receive(_ bytes: [UInt8], now: Timestamp) {
    var offset = 0
    while framing.advance(over: bytes.span, from: &offset) {
      act(session.receive(frame: framing.frame, now: now, objects: &objects), now: now)
    }
  }

  func timeOut(now: Timestamp) {
    act(session.timeOut(now: now), now: now)
  }

  /// What any owner does: take what is offered, verify and confirm what arrived.
  private func act(_ event: SessionEvent, now: Timestamp) {
    switch event {
    case .nothing, .arriving, .departing: return
    case .offered(let number, let offer):
      objects.expect(offer.name)
      _ = session.accept(number, offer, held: held[offer.name] ?? 0, now: now)
      events.append(event)
      act(session.takeCompleted(), now: now)
      return
    case .received(let number, let offer):
      if objects.isWhole(offer.name) {
        session.confirm(number)
      } else {
        session.reject(number, because: .wrongDigest)
      }
    default: break
    }
    events.append(event)
  }
}

/// Two endpoints joined in virtual time.
final class SimulatedLink {
  let gateway: Endpoint
  let board: Endpoint
  var conditions: LinkConditions
  var random: SeededGenerator
  private(set) var now = Timestamp(microseconds: 1)
  private var inFlight: [(at: Timestamp, toBoard: Bool, bytes: [UInt8])] = []
  private var busyUntil = [Timestamp(microseconds: 0), Timestamp(microseconds: 0)]

  static let greeting = Greeting(
    session: 0x1234_5678, maximumFrame: 1100, gateway: ShortText("pi"), time: 1_800_000_000)

  static func welcome(maximumFrame: UInt16 = 1100) -> Welcome {
    Welcome(
      board: 0x7f3a_21c0_0000_0001, maximumFrame: maximumFrame, capabilities: [.training, .evaluation],
      firmware: ShortText("0.1.0"), hardware: ShortText("virtual"), boot: 7, examples: 100,
      maximumParameters: 10_000)
  }

  init(seed: UInt64, conditions: LinkConditions = LinkConditions(), boardFrame: Int = 1100) {
    self.conditions = conditions
    random = SeededGenerator(seed: seed)
    gateway = Endpoint(
      .gateway(
        Self.greeting, limits: LinkLimits(maximumFrame: 1100, window: 4096),
        now: Timestamp(microseconds: 0)), maximumFrame: 1100)
    board = Endpoint(
      .board(
        Self.welcome(maximumFrame: UInt16(boardFrame)),
        limits: LinkLimits(maximumFrame: boardFrame, window: 4096)), maximumFrame: boardFrame)
  }

  /// Runs until `done` or for `seconds` of virtual time; whether it was done.
  @discardableResult
  func run(seconds: UInt64, until done: () -> Bool) -> Bool {
    let end = now + .seconds(seconds)
    while now < end {
      pump(gateway, toBoard: true)
      pump(board, toBoard: false)
      if done() { return true }
      var next = end
      for packet in inFlight { next = min(next, packet.at) }
      for deadline in [gateway.session.nextDeadline, board.session.nextDeadline] {
        if let deadline { next = min(next, max(deadline, now + 1)) }
      }
      // The stream takes the next frame when the last one is through.
      for free in busyUntil where now < free { next = min(next, free) }
      now = next
      let due = inFlight.filter { $0.at <= now }
      inFlight.removeAll { $0.at <= now }
      for packet in due { (packet.toBoard ? board : gateway).receive(packet.bytes, now: now) }
      for end in [gateway, board] {
        if let deadline = end.session.nextDeadline, deadline <= now { end.timeOut(now: now) }
      }
    }
    return done()
  }

  /// Everything under way is lost, as when a cable is pulled.
  func dropEverythingInFlight() { inFlight = [] }

  private func pump(_ endpoint: Endpoint, toBoard: Bool) {
    let lane = toBoard ? 0 : 1
    while busyUntil[lane] <= now, let bytes = endpoint.nextCoded(now: now) {
      busyUntil[lane] = now + UInt64(bytes.count) * conditions.byteTime
      let copies = random.chance(conditions.duplication) ? 2 : 1
      for _ in 0..<copies {
        inFlight.append((busyUntil[lane] + conditions.delay, toBoard, damage(bytes)))
      }
    }
  }

  private func damage(_ bytes: [UInt8]) -> [UInt8] {
    guard conditions.loss > 0 || conditions.corruption > 0 else { return bytes }
    var result: [UInt8] = []
    for byte in bytes {
      if random.chance(conditions.loss) { continue }
      result.append(random.chance(conditions.corruption) ? byte ^ 1 << UInt8(random.next() & 7) : byte)
    }
    return result
  }
}
