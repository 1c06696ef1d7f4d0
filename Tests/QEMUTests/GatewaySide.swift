import Bytes
import Digests
import LinkProtocol

/// A gateway's end of a link, as far as these tests need one: takes whatever the board offers, remembers what it
/// said.
final class GatewaySide {
  static let limits = LinkLimits(maximumFrame: 1100, window: 4096)

  private(set) var session: LinkSession
  private var objects = GatewayObjects()
  private var frame = BoundedBytes(capacity: 1200)

  private(set) var welcomes: [Welcome] = []
  private(set) var logLines: [String] = []
  private(set) var problems: [Problem] = []
  private(set) var evaluations: [EvaluationReport] = []
  private(set) var statuses: [Status] = []
  private(set) var trainingReports: [TrainingReport] = []
  private(set) var delivered: [ObjectName] = []
  private(set) var declined: [TransferRefusal] = []
  private(set) var updates: [[UInt8]] = []
  private(set) var violations: [ProtocolViolation] = []
  private var lastTransfer: TransferNumber?

  init(session number: UInt32 = 0x1234_5678, now: Timestamp) {
    session = .gateway(
      Greeting(session: number, maximumFrame: 1100, gateway: ShortText("test"), time: 0),
      limits: Self.limits, now: now)
  }

  /// Offers an object to the board.
  func offer(_ content: [UInt8], now: Timestamp) -> ObjectName {
    let name = objects.add(content)
    lastTransfer = session.offer(ObjectOffer(kind: .model, name: name, round: 0), now: now)
    return name
  }

  /// Bytes of the last offer that are at the board.
  var bytesDelivered: Int {
    lastTransfer.flatMap { session.progress(ofOutgoing: $0) }.map { Int($0.delivered) } ?? 0
  }

  /// Bytes of the last offer that the board had kept from before.
  var bytesHeld: Int {
    lastTransfer.flatMap { session.progress(ofOutgoing: $0) }.map { Int($0.resumedFrom) } ?? 0
  }

  func send(_ message: ControlMessage) { _ = session.send(message) }

  func nextFrame(now: Timestamp) -> [UInt8]? {
    guard session.nextFrame(now: now, objects: &objects, into: &frame) else { return nil }
    var bytes: [UInt8] = []
    for i in 0..<frame.count { bytes.append(frame.span[i]) }
    return bytes
  }

  func receive(frame: Span<UInt8>, now: Timestamp) {
    act(session.receive(frame: frame, now: now, objects: &objects), now: now)
  }

  func timeOut(now: Timestamp) { act(session.timeOut(now: now), now: now) }

  private func act(_ event: SessionEvent, now: Timestamp) {
    switch event {
    case .established(let welcome): welcomes.append(welcome)
    case .message(let message): hear(message)
    case .offered(let number, let offer):
      objects.expect(offer.name)
      _ = session.accept(number, offer, held: 0, now: now)
      act(session.takeCompleted(), now: now)
    case .received(let number, let offer):
      guard let content = objects.whole(offer.name) else {
        return session.reject(number, because: .wrongDigest)
      }
      session.confirm(number)
      updates.append(content)
    case .delivered(_, let offer): delivered.append(offer.name)
    case .declined(_, _, let refusal): declined.append(refusal)
    case .violation(let violation): violations.append(violation)
    case .nothing, .opened, .refused, .ended, .arriving, .departing, .withdrawn, .damaged: break
    }
  }

  private func hear(_ message: ControlMessage) {
    switch message {
    case .logLine(let line): logLines.append(Self.string(line.text))
    case .problem(let problem): problems.append(problem)
    case .evaluation(let report): evaluations.append(report)
    case .status(let status): statuses.append(status)
    case .trainingProgress(let report): trainingReports.append(report)
    default: break
    }
  }

  private static func string(_ text: ShortText) -> String {
    var bytes: [UInt8] = []
    for i in 0..<text.count { bytes.append(text.span[i]) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Objects in memory.
private struct GatewayObjects: ObjectAccess {
  private var offered: [ObjectName: [UInt8]] = [:]
  private var arriving: [ObjectName: [UInt8]] = [:]

  mutating func add(_ content: [UInt8]) -> ObjectName {
    let name = ObjectName(digest: SHA256.hash(of: content.span), length: UInt32(content.count))
    offered[name] = content
    return name
  }

  mutating func expect(_ name: ObjectName) {
    arriving[name] = [UInt8](repeating: 0xff, count: Int(name.length))
  }

  func whole(_ name: ObjectName) -> [UInt8]? {
    guard let content = arriving[name], SHA256.hash(of: content.span) == name.digest else { return nil }
    return content
  }

  func read(_ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>) -> Bool {
    guard let content = offered[object], offset + destination.count <= content.count else { return false }
    for i in 0..<destination.count { destination[i] = content[offset + i] }
    return true
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    guard let count = arriving[object]?.count, offset + bytes.count <= count else { return false }
    for i in 0..<bytes.count { arriving[object]?[offset + i] = bytes[i] }
    return true
  }
}
