import Bytes
import Digests
import Foundation
import LinkSimulation
import PropertyTesting
import Testing

@testable import LinkProtocol

/// Both roles of a session against frames with right checksums and arbitrary contents.
@Suite struct HostilePeerTests {
  /// Bytes that this process has in memory.
  private var residentBytes: Int {
    let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
    return (fields.flatMap { Int($0[1]) } ?? 0) * 4096
  }

  private func fuzz(_ victim: Victim, frames: Int) {
    for _ in 0..<2_000 { victim.step() }
    let before = residentBytes
    for _ in 2_000..<frames { victim.step() }
    // A hundred bytes kept a frame would show.
    #expect(residentBytes - before < 100 * frames, "seed \(victim.seed)")
    #expect(victim.kinds.count == 9)
  }

  @Test func noFrameTrapsABoardAndAfterwardsItTakesAGreeting() {
    let victim = Victim(board: true, seed: 84)
    fuzz(victim, frames: 100_000)
    // Every way of a transfer was gone.
    #expect(
      victim.seen.isSuperset(of: ["opened", "message", "offered", "received", "withdrawn", "delivered"]))
    #expect(
      victim.seen.isSuperset(of: ["declined", "departing", "arriving", "damaged", "violation", "ended"]))

    var greeting = SimulatedLink.greeting
    greeting.session = 0x0bad_cafe
    let gateway = Side(.gateway(greeting, limits: DirectPair.limits, now: victim.now))
    victim.converse(with: gateway)
  }

  @Test func noFrameTrapsAGatewayAndAfterwardsItFindsABoard() {
    let victim = Victim(board: false, seed: 85)
    fuzz(victim, frames: 100_000)
    #expect(
      victim.seen.isSuperset(of: ["established", "message", "offered", "received", "withdrawn", "delivered"]))
    #expect(
      victim.seen.isSuperset(of: ["declined", "departing", "arriving", "damaged", "violation", "ended"]))

    victim.endSession()
    victim.converse(with: Side(.board(SimulatedLink.welcome(), limits: DirectPair.limits)))
  }
}

/// A session whose owner does what owners do, at random moments, and whose peer sends arbitrary frames.
private final class Victim {
  let seed: UInt64
  private(set) var now = Timestamp(microseconds: 1)
  /// Names of the events that came.
  private(set) var seen: Set<String> = []
  /// Kinds of the frames it was sent.
  private(set) var kinds: Set<UInt8> = []
  private var session: LinkSession
  private let isBoard: Bool
  private var random: SeededGenerator
  private let fields: RandomFields
  private var objects: EndlessObjects
  private var frame = BoundedBytes(capacity: 400)
  private var hostile = BoundedBytes(capacity: 400)
  private var sequence: UInt16 = 0
  private let pattern = SessionTests.content(304)
  private var offered: [(TransferNumber, ObjectOffer)] = []

  init(board: Bool, seed: UInt64) {
    self.seed = seed
    isBoard = board
    random = SeededGenerator(seed: seed)
    fields = RandomFields(seed: seed + 1)
    objects = EndlessObjects(random: SeededGenerator(seed: seed + 2))
    session =
      board
      ? .board(SimulatedLink.welcome(), limits: DirectPair.limits)
      : .gateway(SimulatedLink.greeting, limits: DirectPair.limits, now: now)
  }

  /// One frame of the peer, and whatever the owner does then.
  func step() {
    now = now + random.next() % 20_000
    makeHostileFrame()
    act(on: session.receive(frame: hostile.span, now: now, objects: &objects))
    if random.chance(0.3) { behave() }
    if let deadline = session.nextDeadline, deadline <= now { act(on: session.timeOut(now: now)) }
    for _ in 0..<random.next() % 4 {
      guard session.nextFrame(now: now, objects: &objects, into: &frame) else { break }
      check(!frame.overflowed && frame.count <= 320)
    }
  }

  /// Ends the session, if there is one, so that the next one is with a decent peer.
  func endSession() {
    _ = session.abandon(now: now)
  }

  /// After all that, an ordinary conversation with an ordinary peer.
  func converse(with peer: Side) {
    let name = peer.objects.add(SessionTests.content(2_000))
    let offer = ObjectOffer(kind: .model, name: name, round: 1)
    var isOffered = false
    for _ in 0..<400 {
      now = now + .milliseconds(100)
      while session.nextFrame(now: now, objects: &objects, into: &frame) {
        var bytes: [UInt8] = []
        for i in 0..<frame.count { bytes.append(frame.span[i]) }
        peer.receive(bytes, now: now)
      }
      if peer.session.isEstablished, !isOffered {
        isOffered = peer.session.offer(offer, now: now) != nil
      }
      for bytes in peer.allFrames(now: now) {
        let event = session.receive(frame: bytes.span, now: now, objects: &objects)
        switch event {
        case .offered(let number, let offer):
          objects.isReliable = true
          check(session.accept(number, offer, held: 0, now: now))
        case .received(let number, _): session.confirm(number)
        default: break
        }
      }
      if let deadline = peer.session.nextDeadline, deadline <= now { peer.timeOut(now: now) }
      if let deadline = session.nextDeadline, deadline <= now { _ = session.timeOut(now: now) }
      if peer.events.contains(.delivered(1, offer)) { return }
    }
    Issue.record("no object was delivered after the attack, seed \(seed)")
  }

  // MARK: The owner

  private func act(on event: SessionEvent) {
    if event == .nothing { return }
    seen.insert(name(of: event))
    switch event {
    case .offered(let number, let offer): offered.append((number, offer))
    case .received(let number, _):
      if random.chance(0.5) { session.confirm(number) } else { session.reject(number, because: .wrongDigest) }
    case .refused:
      // There is no way back from a refusal; a gateway would begin anew when the board is plugged in again.
      session = .gateway(SimulatedLink.greeting, limits: DirectPair.limits, now: now)
    default: break
    }
  }

  private func name(of event: SessionEvent) -> String {
    switch event {
    case .nothing: return "nothing"
    case .established: return "established"
    case .opened: return "opened"
    case .refused: return "refused"
    case .ended: return "ended"
    case .message: return "message"
    case .offered: return "offered"
    case .arriving: return "arriving"
    case .received: return "received"
    case .departing: return "departing"
    case .delivered: return "delivered"
    case .declined: return "declined"
    case .withdrawn: return "withdrawn"
    case .damaged: return "damaged"
    case .violation: return "violation"
    }
  }

  private func behave() {
    switch random.next() % 6 {
    case 0: _ = session.send(.logLine(LogLine(level: .info, text: ShortText("hello"))))
    case 1:
      let name = ObjectName(digest: .zero, length: UInt32(random.next() % 3_000))
      _ = session.offer(ObjectOffer(kind: .update, name: name, round: 1), now: now)
    case 2: session.withdraw(TransferNumber(truncatingIfNeeded: random.next() % 100), because: .obsolete)
    case 3:
      // An owner may answer late, twice, or never.
      if let (number, offer) = offered.last, session.accept(number, offer, held: 0, now: now) {
        act(on: session.takeCompleted())
      }
      if offered.count > 4 { offered.removeFirst() }
    case 4: if let (number, _) = offered.popLast() { session.decline(number, because: .busy) }
    default:
      if random.chance(0.01) {
        act(on: session.abandon(now: now))
      } else {
        now = now + .milliseconds(300)
      }
    }
  }

  // MARK: The peer

  /// Puts the next frame into `hostile`.
  private func makeHostileFrame() {
    if random.chance(0.01) {
      hostile.removeAll()
      hostile.append(contentsOf: bytes(random.next() % 64).span)
      return
    }
    let names: [(FrameKind, UInt64)] = [
      (.greeting, 1), (.welcome, 1), (.refusal, 1), (.control, 40), (.controlAcknowledgement, 10),
      (.chunk, 30), (.chunkAcknowledgement, 20), (.unknownSession, 1), (.farewell, 1),
    ]
    var lot = random.next() % 105
    var kind = FrameKind.control
    for (candidate, weight) in names {
      kind = candidate
      if lot < weight { break }
      lot -= weight
    }
    // What ends a session is rare, so that the peer gets somewhere.
    if [.unknownSession, .farewell, .refusal].contains(kind), random.chance(0.9) { kind = .control }
    kinds.insert(kind.rawValue)
    sequence &+= random.chance(0.95) ? 1 : UInt16(truncatingIfNeeded: random.next() % 100)
    let tag = random.chance(0.98) ? session.handshake.tag : UInt16(truncatingIfNeeded: random.next())
    let body = random.chance(0.05) ? bytes(random.next() % 48) : body(of: kind)
    Frame.begin(FrameHeader(kind: kind, session: tag, sequence: sequence), into: &hostile)
    hostile.append(contentsOf: body.span)
    Frame.seal(&hostile)
  }

  private func body(of kind: FrameKind) -> [UInt8] {
    switch kind {
    case .greeting:
      guard case .greeting(var greeting) = WireMessage(named: "greeting", fields: fields) else { return [] }
      greeting.session = greeting.session & ~0xffff | UInt32(session.handshake.tag)
      if random.chance(0.7) { (greeting.minimumVersion, greeting.maximumVersion) = (1, 1) }
      return WireMessage.greeting(greeting).encoded
    case .welcome:
      guard case .welcome(var welcome) = WireMessage(named: "welcome", fields: fields) else { return [] }
      if case .gateway = session.handshake {
        welcome.session = SimulatedLink.greeting.session
        while UInt16(truncatingIfNeeded: welcome.session) != session.handshake.tag {
          welcome.session &+= 0x9e37_79b9
        }
      }
      if random.chance(0.7) { welcome.version = 1 }
      return WireMessage.welcome(welcome).encoded
    case .refusal:
      return WireMessage(named: "refusal", fields: fields).encoded
    case .control:
      let number =
        random.chance(0.9) ? session.control.expected : UInt16(truncatingIfNeeded: random.next())
      return littleEndian(UInt64(number), 2) + controlMessage()
    case .controlAcknowledgement:
      return littleEndian(
        UInt64(session.control.oldest &+ UInt16(random.next() % (random.chance(0.9) ? 9 : 65_536))), 2)
    case .chunk:
      // Objects are mostly whole chunks and 24 bytes.
      let offset = random.chance(0.9) ? 304 * (random.next() % 3) : random.next() & 0xffff_ffff
      let length = random.chance(0.2) ? 304 : random.chance(0.8) ? 24 : Int(random.next() % 305)
      return littleEndian(number(), 2) + littleEndian(offset, 4) + pattern[..<length]
    case .chunkAcknowledgement:
      let contiguous = random.chance(0.9) ? 100 * (random.next() % 31) : random.next() & 0xffff_ffff
      let selective = random.chance(0.3) ? random.next() & 0xffff_ffff >> (random.next() % 32) : 0
      return littleEndian(number(), 2)
        + littleEndian(UInt64(session.sequence &- UInt16(random.next() % 20)), 2)
        + littleEndian(contiguous, 4) + littleEndian(random.next() % 4_000, 4)
        + (selective == 0 ? [] : littleEndian(selective, 4))
    case .unknownSession, .farewell:
      return []
    }
  }

  /// A transfer's number, near those that are in use.
  private func number() -> UInt64 {
    random.chance(0.5) ? random.next() % 4 : UInt64(session.transfers.lastNumber &- UInt16(random.next() % 3))
  }

  private func controlMessage() -> [UInt8] {
    let name = WireMessage.names[3 + Int(random.next() % 13)]
    guard case .control(var message) = WireMessage(named: name, fields: fields) else { return [] }
    switch message {
    case .offer(var offer):
      offer.transfer = UInt16(random.next() % 4)
      if random.chance(0.8) {
        offer.object.name.length = UInt32(
          random.chance(0.7) ? 24 + 304 * (random.next() % 3) : random.next() % 3_000)
      }
      message = .offer(offer)
    case .answer(var answer):
      answer.transfer = UInt16(number())
      if random.chance(0.5) {
        answer.outcome = .accepted(held: 0, chunk: 100, creditLimit: UInt32(random.next() % 3_000))
      }
      message = .answer(answer)
    case .confirmation(var confirmation):
      confirmation.transfer = UInt16(number())
      message = .confirmation(confirmation)
    case .cancellation(var cancellation):
      cancellation.transfer = UInt16(number())
      message = .cancellation(cancellation)
    default: break
    }
    var encoded = WireMessage.control(message).encoded
    if random.chance(0.05) {
      encoded[Int(random.next() % UInt64(encoded.count))] = UInt8(truncatingIfNeeded: random.next())
    }
    return encoded
  }

  private func littleEndian(_ value: UInt64, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  private func bytes(_ count: UInt64) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }
}

/// Objects of any name and length, of which nothing is kept.
private struct EndlessObjects: ObjectAccess {
  var random: SeededGenerator
  /// Whether every read and write succeeds.
  var isReliable = false

  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool {
    precondition(offset >= 0 && offset + destination.count <= Int(object.length))
    return isReliable || !random.chance(0.01)
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    precondition(offset >= 0 && offset + bytes.count <= Int(object.length))
    return isReliable || !random.chance(0.01)
  }
}
