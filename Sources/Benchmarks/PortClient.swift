import Bytes
import Digests
import Glibc
import LinkProtocol
import SerialDevices

/// A gateway's side of one port, as small as it can be: what the protocol costs, without rounds and a store.
final class PortClient {
  private let descriptor: Int32
  private var session: LinkSession
  private var framing = StreamFraming(maximumFrame: 1040)
  private var objects = BenchObjects()
  private var frame = BoundedBytes(capacity: 1040)
  private var coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: 1040))
  private var codedSent = 0
  /// Bytes written to the port, framing included.
  private(set) var bytesWritten = 0
  private(set) var bytesRead = 0

  init(port: String) throws {
    descriptor = try TTY.open(port).release()
    session = .gateway(
      Greeting(session: 77, maximumFrame: 1040, gateway: ShortText("bench"), time: 0),
      limits: LinkLimits(maximumFrame: 1040, window: 32 * 1024), now: Self.now())
  }

  deinit { close(descriptor) }

  static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Timestamp(microseconds: UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)
  }

  /// Offers a model and waits until the board has stored it.
  func deliver(_ snapshot: [UInt8]) throws -> Digest32 {
    let name = ObjectName(digest: SHA256.hash(of: snapshot.span), length: UInt32(snapshot.count))
    objects.outgoing[name] = snapshot
    _ = session.offer(ObjectOffer(kind: .model, name: name, round: 0), now: Self.now())
    try wait(for: "delivery") { if case .delivered = $0 { true } else { false } }
    return name.digest
  }

  /// Lets the board train and waits for its update.
  func train(_ task: TrainTask) throws -> [UInt8] {
    _ = session.send(.train(task))
    var name: ObjectName?
    try wait(for: "update") { event in
      switch event {
      case .offered(let transfer, let offer):
        objects.incoming = [UInt8](repeating: 0, count: Int(offer.name.length))
        _ = session.accept(transfer, offer, held: 0, now: Self.now())
        return false
      case .received(let transfer, let offer):
        name = offer.name
        session.confirm(transfer)
        return true
      default: return false
      }
    }
    guard name?.digest == SHA256.hash(of: objects.incoming.span) else {
      throw BenchError.boardProblem("wrong digest")
    }
    return objects.incoming
  }

  /// Waits until the board has answered the greeting.
  func greet() throws {
    try wait(for: "welcome") { if case .established = $0 { true } else { false } }
  }

  private func wait(for what: String, _ isIt: (SessionEvent) throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
      send()
      var poll = pollfd(
        fd: descriptor, events: Int16(POLLIN | (codedSent < coded.count ? POLLOUT : 0)), revents: 0)
      let now = Self.now()
      let due = session.nextDeadline.map { Int32(clamping: ($0 - now + 999) / 1000) } ?? 1000
      Glibc.poll(&poll, 1, due)
      if let due = session.nextDeadline, due <= Self.now() {
        if try isIt(session.timeOut(now: Self.now())) { return }
      }
      var input = [UInt8](repeating: 0, count: 4096)
      let count = read(descriptor, &input, input.count)
      guard count > 0 else { continue }
      bytesRead += count
      var offset = 0
      let received = input.span.extracting(0..<count)
      var isDone = false
      while framing.advance(over: received, from: &offset) {
        let event = session.receive(frame: framing.frame, now: Self.now(), objects: &objects)
        if case .message(.problem(let problem)) = event {
          throw BenchError.boardProblem(String(describing: problem.code))
        }
        if try isIt(event) { isDone = true }
      }
      if isDone {
        send()
        return
      }
    }
    throw BenchError.noAnswer(what)
  }

  private func send() {
    while true {
      if codedSent == coded.count {
        guard session.nextFrame(now: Self.now(), objects: &objects, into: &frame) else { return }
        coded.removeAll()
        codedSent = 0
        COBS.encode(frame.span, into: &coded)
      }
      let sent = Self.write(coded.span, from: codedSent, to: descriptor)
      guard sent > 0 else { return }
      codedSent += sent
      bytesWritten += sent
    }
  }

  private static func write(_ bytes: Span<UInt8>, from offset: Int, to descriptor: Int32) -> Int {
    bytes.withUnsafeBytes { bytes in
      Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
    }
  }
}

/// Objects in memory.
private struct BenchObjects: ObjectAccess {
  var outgoing: [ObjectName: [UInt8]] = [:]
  var incoming: [UInt8] = []

  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool {
    guard let content = outgoing[object], offset + destination.count <= content.count else { return false }
    for i in 0..<destination.count { destination[i] = content[offset + i] }
    return true
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    guard offset + bytes.count <= incoming.count else { return false }
    for i in 0..<bytes.count { incoming[offset + i] = bytes[i] }
    return true
  }
}
