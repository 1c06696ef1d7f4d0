import Bytes
import Digests
import FuzzSupport

@testable import LinkProtocol

/// A session, what its peer sends, and what its owner does.
final class Victim {
  private static let longestFrame = 320
  private var session: LinkSession
  private var objects = EndlessObjects()
  private var now = Timestamp(microseconds: 1)
  private var sequence: UInt16 = 0
  private var offered: [(number: TransferNumber, offer: ObjectOffer)] = []
  private var complete: [TransferNumber] = []
  private var frame = BoundedBytes(capacity: 2_048)

  /// A session that is established, as most of what there is to find lies behind the handshake.
  init(isBoard: Bool) {
    let limits = LinkLimits(maximumFrame: Self.longestFrame, window: 4_096)
    let greeting = Greeting(session: 0x1234_5678, maximumFrame: 320, gateway: ShortText("pi"), time: 0)
    let welcome = Welcome(
      board: 1, maximumFrame: 320, capabilities: [.training], firmware: ShortText("1"),
      hardware: ShortText("fuzz"), boot: 7, examples: 10, maximumParameters: 1_000)
    session = isBoard ? .board(welcome, limits: limits) : .gateway(greeting, limits: limits, now: now)
    var peer: LinkSession =
      isBoard ? .gateway(greeting, limits: limits, now: now) : .board(welcome, limits: limits)
    for _ in 0..<2 {
      while peer.nextFrame(now: now, objects: &objects, into: &frame) {
        act(on: session.receive(frame: frame.span, now: now, objects: &objects))
      }
      while session.nextFrame(now: now, objects: &objects, into: &frame) {
        _ = peer.receive(frame: frame.span, now: now, objects: &objects)
      }
    }
    require(session.isEstablished, "two decent peers found no session")
    sequence = 100
  }

  /// One thing that the peer or the owner does, then everything that is to be sent.
  func step(_ input: inout FuzzInput) {
    let choice = input.byte()
    switch choice & 7 {
    case 0...3: receive(kind: choice >> 3, body: input.body())
    case 4: receiveControl(input.body())
    case 5: now = now + UInt64(input.byte()) << UInt64(choice >> 3)
    case 6: own(&input)
    default:
      switch choice >> 3 & 3 {
      case 0: receiveBare(input.body())
      case 1: receiveAcknowledgement(&input)
      default: receiveChunk(&input)
      }
    }
    if let due = session.nextDeadline, due <= now { act(on: session.timeOut(now: now)) }
    send()
  }

  private func send() {
    // Nothing answers meanwhile, so that there is an end: a queue of messages, two transfers of 32 chunks each and
    // a few acknowledgements.
    for _ in 0..<100 {
      guard session.nextFrame(now: now, objects: &objects, into: &frame) else { return }
      require(!frame.overflowed && frame.count <= Self.longestFrame, "a frame longer than announced")
      do throws(FrameError) { _ = try Frame.parse(frame.span) } catch {
        require(false, "a frame that is none")
      }
    }
    require(false, "a session that never stops sending")
  }

  // MARK: The peer

  /// A frame of the session with any body.
  private func receive(kind: UInt8, body: [UInt8]) {
    var made = BoundedBytes(capacity: 400)
    let known = FrameKind(rawValue: kind % 12) ?? .chunk
    Frame.begin(FrameHeader(kind: known, session: session.handshake.tag, sequence: sequence), into: &made)
    sequence &+= 1
    made.append(contentsOf: body.span)
    Frame.seal(&made)
    act(on: session.receive(frame: made.span, now: now, objects: &objects))
  }

  /// The next control message.
  private func receiveControl(_ text: [UInt8]) {
    let number = session.control.expected
    receive(
      kind: FrameKind.control.rawValue,
      body: [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)] + text)
  }

  /// A chunk of one of the first transfers, zeros that begin where a chunk of the shortest frames may begin. Three
  /// bytes of input, as it takes many to get anywhere.
  private func receiveChunk(_ input: inout FuzzInput) {
    let place = input.byte()
    let offset = UInt32(place & 63) * 304
    let length = input.byte()
    receive(
      kind: FrameKind.chunk.rawValue,
      body: [1 + place >> 6, 0] + littleEndian(offset)
        + [UInt8](repeating: 0, count: length == 0 ? 304 : Int(length)))
  }

  /// An acknowledgement of so many of them.
  private func receiveAcknowledgement(_ input: inout FuzzInput) {
    let place = input.byte()
    let latest = session.sequence &- UInt16(input.byte())
    let selective = input.byte()
    receive(
      kind: FrameKind.chunkAcknowledgement.rawValue,
      body: [1 + place >> 6, 0, UInt8(truncatingIfNeeded: latest), UInt8(truncatingIfNeeded: latest >> 8)]
        + littleEndian(UInt32(place & 63) * 304) + littleEndian(UInt32(place & 63) * 304 + 4_096)
        + (selective == 0 ? [] : littleEndian(UInt32(selective))))
  }

  private func littleEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// Bytes that need not be a frame.
  private func receiveBare(_ bytes: [UInt8]) {
    act(on: session.receive(frame: bytes.span, now: now, objects: &objects))
  }

  // MARK: The owner

  private func act(on event: SessionEvent) {
    switch event {
    case .offered(let number, let offer):
      offered.append((number, offer))
      require(offered.count <= 64, "offers pile up")
    case .received(let number, _):
      complete.append(number)
    case .ended, .opened, .established:
      (offered, complete) = ([], [])
    default: break
    }
    if complete.count > 8 { complete.removeFirst() }
    if offered.count > 8 { offered.removeFirst() }
  }

  private func own(_ input: inout FuzzInput) {
    let choice = input.byte()
    let number = TransferNumber(input.byte())
    switch choice % 10 {
    case 0:
      guard let (number, offer) = offered.popLast() else { return }
      let held = UInt32(input.byte()) << UInt32(choice >> 4)
      if session.accept(number, offer, held: held, now: now) { act(on: session.takeCompleted()) }
    case 1: if let (number, _) = offered.popLast() { session.decline(number, because: .busy) }
    case 2: if let number = complete.popLast() { session.confirm(number) }
    case 3: if let number = complete.popLast() { session.reject(number, because: .wrongDigest) }
    case 4:
      let name = ObjectName(digest: .zero, length: UInt32(number) << UInt32(choice >> 4))
      _ = session.offer(ObjectOffer(kind: .update, name: name, round: 1), now: now)
    case 5: session.withdraw(number, because: .obsolete)
    case 6: _ = session.send(.statusRequest)
    case 7: act(on: session.abandon(now: now))
    case 8: objects.fails = number & 1 == 1
    // Closed for good is the end of what can be found.
    default: if number == 77 { session.close() } else { session.confirm(number) }
    }
  }
}

/// Objects of any name and length, of which nothing is kept.
struct EndlessObjects: ObjectAccess {
  /// Whether no read and no write succeeds.
  var fails = false

  mutating func read(_ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>) -> Bool
  {
    require(offset >= 0 && offset + destination.count <= Int(object.length), "a read beyond the object")
    return !fails
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    require(offset >= 0 && offset + bytes.count <= Int(object.length), "a write beyond the object")
    return !fails
  }
}
