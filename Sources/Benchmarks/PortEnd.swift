import Bytes
import Digests
import Glibc
import LinkProtocol

/// One end of a port with a session on it, as small as it can be: what the protocol costs, without rounds, a store
/// and a training board.
final class PortEnd {
  /// Bytes that one call reads at most.
  static let readSize = 4096

  var session: LinkSession
  var objects = PortObjects()
  /// Bytes written to the port, framing included.
  private(set) var bytesWritten = 0
  private let descriptor: Int32
  private var framing: StreamFraming
  private var frame: BoundedBytes
  private var coded: BoundedBytes
  private var codedSent = 0
  private var input = [UInt8](repeating: 0, count: readSize)

  init(descriptor: Int32, session: consuming LinkSession, maximumFrame: Int) {
    self.descriptor = descriptor
    self.session = session
    framing = StreamFraming(maximumFrame: maximumFrame)
    frame = BoundedBytes(capacity: maximumFrame)
    coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: maximumFrame))
  }

  deinit { close(descriptor) }

  static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Timestamp(microseconds: UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)
  }

  /// Sends what there is to send, waits for something to happen, at most `patience` ms, and reports what did.
  func turn(patience: Int32, _ handle: (SessionEvent) throws -> Void) rethrows {
    send()
    var poll = pollfd(
      fd: descriptor, events: Int16(POLLIN | (codedSent < coded.count ? POLLOUT : 0)), revents: 0)
    let due = session.nextDeadline.map { Int32(clamping: ($0 - Self.now() + 999) / 1000) } ?? patience
    Glibc.poll(&poll, 1, min(due, patience))
    if let due = session.nextDeadline, due <= Self.now() { try handle(session.timeOut(now: Self.now())) }
    guard poll.revents & Int16(POLLIN) != 0 else {
      // Nobody has the other side open: poll(2) would say so over and over.
      if poll.revents & Int16(POLLHUP) != 0 { usleep(5000) }
      return
    }
    // A local for as long as it is looked at: spans of a class's properties end with the access.
    var input: [UInt8] = []
    swap(&input, &self.input)
    defer { swap(&input, &self.input) }
    let count = read(descriptor, &input, input.count)
    guard count > 0 else { return }
    var offset = 0
    let received = input.span.extracting(0..<count)
    while framing.advance(over: received, from: &offset) {
      try handle(session.receive(frame: framing.frame, now: Self.now(), objects: &objects))
    }
    send()
  }

  /// Sends what there is to send and the port takes.
  func send() {
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

/// Objects in memory: one that goes and one that comes at a time.
struct PortObjects: ObjectAccess {
  var outgoing: (name: ObjectName, content: [UInt8])?
  var incoming: [UInt8] = []

  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool {
    guard let outgoing, outgoing.name == object, offset + destination.count <= outgoing.content.count else {
      return false
    }
    let count = destination.count
    destination.withUnsafeMutableBytes { target in
      outgoing.content.withUnsafeBytes {
        target.copyMemory(from: .init(rebasing: $0[offset..<offset + count]))
      }
    }
    return true
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    guard offset + bytes.count <= incoming.count else { return false }
    bytes.withUnsafeBytes { source in
      incoming.withUnsafeMutableBytes { $0[offset..<offset + source.count].copyBytes(from: source) }
    }
    return true
  }
}
