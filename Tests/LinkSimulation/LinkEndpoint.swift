import Bytes
public import LinkProtocol

/// One end of a simulated link: a session, its framing and its objects.
public final class LinkEndpoint {
  /// This side's session.
  public var session: LinkSession
  /// What it offers and what it receives.
  public var objects = MemoryObjects()
  /// What the session reported, progress left out.
  public private(set) var events: [SessionEvent] = []
  /// Bytes of partial objects that a resumed transfer may begin with.
  public var held: [ObjectName: UInt32] = [:]
  /// Bytes given to the carrier, framing included.
  public private(set) var bytesSent = 0
  /// Bytes of objects among them.
  public private(set) var chunkBytesSent = 0
  private let framing: SimulatedCarrier.Framing
  private var stream: StreamFraming
  private var frame: BoundedBytes
  private var coded: BoundedBytes
  private var incoming: [TransferNumber: ObjectName] = [:]

  /// An end of a link of that framing, which takes frames of at most `maximumFrame` bytes.
  public init(_ session: consuming LinkSession, framing: SimulatedCarrier.Framing, maximumFrame: Int) {
    self.session = session
    self.framing = framing
    stream = StreamFraming(maximumFrame: maximumFrame)
    frame = BoundedBytes(capacity: 4096)
    coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: 4096))
  }

  /// The next frame as the carrier takes it; nil if there is nothing to send.
  public func nextCoded(now: Timestamp) -> [UInt8]? {
    guard session.nextFrame(now: now, objects: &objects, into: &frame) else { return nil }
    precondition(!frame.overflowed)
    if frame.span[0] == FrameKind.chunk.rawValue { chunkBytesSent += frame.count - LinkSession.chunkOverhead }
    var bytes: [UInt8] = []
    switch framing {
    case .stream:
      coded.removeAll()
      COBS.encode(frame.span, into: &coded)
      bytes.reserveCapacity(coded.count)
      for i in 0..<coded.count { bytes.append(coded.span[i]) }
    case .datagrams:
      bytes.reserveCapacity(frame.count)
      for i in 0..<frame.count { bytes.append(frame.span[i]) }
    }
    bytesSent += bytes.count
    return bytes
  }

  func receive(_ bytes: [UInt8], now: Timestamp) {
    switch framing {
    case .stream:
      var offset = 0
      while stream.advance(over: bytes.span, from: &offset) {
        act(session.receive(frame: stream.frame, now: now, objects: &objects), now: now)
      }
    case .datagrams:
      act(session.receive(frame: bytes.span, now: now, objects: &objects), now: now)
    }
  }

  func timeOut(now: Timestamp) {
    act(session.timeOut(now: now), now: now)
  }

  /// What any owner does: take what is offered, keep what arrived, verify and confirm.
  private func act(_ event: SessionEvent, now: Timestamp) {
    switch event {
    case .nothing, .departing: return
    case .arriving(let number):
      keep(number)
      return
    case .offered(let number, let offer):
      objects.expect(offer.name)
      incoming[number] = offer.name
      _ = session.accept(number, offer, held: held[offer.name] ?? 0, now: now)
      events.append(event)
      act(session.takeCompleted(), now: now)
      return
    case .received(let number, let offer):
      keep(number)
      if objects.isWhole(offer.name) {
        session.confirm(number)
      } else {
        held[offer.name] = nil
        session.reject(number, because: .wrongDigest)
      }
    default: break
    }
    events.append(event)
  }

  private func keep(_ number: TransferNumber) {
    guard let name = incoming[number], let progress = session.progress(ofIncoming: number) else { return }
    held[name] = progress.delivered
  }
}
