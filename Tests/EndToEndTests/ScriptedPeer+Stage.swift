import Bytes
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec

extension ScriptedPeer.Stage {
  /// Takes a model that is offered, as a board does.
  mutating func takeModel(_ event: SessionEvent, _ now: Timestamp) {
    switch event {
    case .offered(let transfer, let offer):
      _ = session.accept(transfer, offer, held: 0, now: now)
    case .received(let transfer, let offer):
      session.boardHolds(model: offer.name.digest)
      session.confirm(transfer)
    case .message(.evaluate):
      _ = session.send(.problem(Problem(code: .noExamples)))
    default:
      break
    }
  }

  /// Offers an object of these bytes as an update for a round.
  mutating func offer(update: [UInt8], round: UInt32, _ now: Timestamp) {
    let digest = SHA256.hash(of: update.span)
    objects.offered[digest] = update
    let name = ObjectName(digest: digest, length: UInt32(update.count))
    _ = session.offer(ObjectOffer(kind: .update, name: name, round: round), now: now)
  }

  /// A frame of this session, made by hand. Its number is the one that the session will use next.
  func rawFrame(_ kind: FrameKind, _ body: [UInt8]) -> [UInt8] {
    var frame = BoundedBytes(capacity: 1040)
    let sequence = UInt16(truncatingIfNeeded: session.statistics.framesSent)
    Frame.begin(FrameHeader(kind: kind, session: tag, sequence: sequence), into: &frame)
    frame.append(contentsOf: body.span)
    Frame.seal(&frame)
    return frame.span.copy
  }

  mutating func refuse(_ greeting: FrameHeader) {
    var body = BoundedBytes(capacity: 64)
    Refusal(minimumVersion: 9, maximumVersion: 9).encode(into: &body)
    rawFrames.append(rawFrame(.refusal, body.span.copy))
  }

  /// How many parameters a model has that came in.
  func parameterCount(of model: Digest32) -> Int {
    guard let snapshot = objects.received[model],
      let header = try? ModelSnapshot(parsing: snapshot.span, length: snapshot.count)
    else { return 0 }
    return header.model.parameterCount
  }
}

/// The bytes of an update.
func updateBytes(_ task: TrainTask, base: Digest32? = nil, delta: [Float], examples: UInt32 = 10) -> [UInt8] {
  let header = UpdateHeader(
    coding: .float32, round: task.round, examples: examples, parameterCount: UInt32(delta.count), loss: 0.5,
    base: DigestTag(base ?? task.model))
  var buffer = BoundedBytes(capacity: UpdateHeader.maximumLength)
  header.encode(into: &buffer)
  var bytes = buffer.span.copy
  for value in delta {
    for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift))) }
  }
  return bytes
}

extension Span<UInt8> {
  /// A copy.
  var copy: [UInt8] { (0..<count).map { self[$0] } }
}

/// What a scripted board has received and offers.
struct PeerObjects: ObjectAccess {
  /// Objects it offers, by their digest.
  var offered: [Digest32: [UInt8]] = [:]
  /// What came in, by its digest.
  var received: [Digest32: [UInt8]] = [:]

  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool {
    guard let content = offered[object.digest], offset + destination.count <= content.count else {
      return false
    }
    for i in 0..<destination.count { destination[i] = content[offset + i] }
    return true
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    var content = received[object.digest] ?? [UInt8](repeating: 0, count: Int(object.length))
    for i in 0..<bytes.count { content[offset + i] = bytes[i] }
    received[object.digest] = content
    return true
  }
}
