import Bytes
import Glibc
import LinkProtocol
import SerialDevices

/// What a board says of itself when it is greeted.
public struct GreetedBoard: Hashable, Sendable {
  /// Its identity, 16 hexadecimal digits.
  public var id: String
  /// The version of its firmware.
  public var firmware: String
}

/// Greets a board as a gateway does, and says farewell.
enum BoardGreeting {
  private static let limits = LinkLimits(maximumFrame: 1040, window: 4096)
  private static let readSize = 4096

  /// Waits until somebody answers; nil if nobody does.
  ///
  /// - Parameter patience: how long, in µs.
  static func greet(_ tty: consuming TTY, patience: UInt64) -> GreetedBoard? {
    let descriptor = tty.release()
    defer { TTY.end(descriptor) }
    let end = Clock.now + patience
    let greeting = Greeting(
      session: UInt32.random(in: 1 ... .max), maximumFrame: UInt16(limits.maximumFrame),
      gateway: ShortText("fedbridge flash"), time: 0)
    var session = LinkSession.gateway(greeting, limits: limits, now: Timestamp(microseconds: Clock.now))
    let output = FrameOutput(maximumFrame: limits.maximumFrame)
    var framing = StreamFraming(maximumFrame: limits.maximumFrame)
    var input = [UInt8](repeating: 0, count: readSize)
    var answer: GreetedBoard?
    var nothing = NoObjects()
    while answer == nil, Clock.now < end {
      guard output.send(from: &session, to: descriptor) else { return nil }
      let due = min(end, session.nextDeadline?.microseconds ?? end)
      var wait = pollfd(
        fd: descriptor, events: Int16(POLLIN | (output.isEmpty ? 0 : POLLOUT)), revents: 0)
      _ = poll(&wait, 1, Clock.milliseconds(until: due))
      let now = Timestamp(microseconds: Clock.now)
      if let due = session.nextDeadline, due <= now { _ = session.timeOut(now: now) }
      guard Int32(wait.revents) & (POLLIN | POLLHUP | POLLERR) != 0 else { continue }
      let count = read(descriptor, &input, input.count)
      guard count > 0 else {
        if count < 0, errno == EAGAIN || errno == EINTR { continue }
        return nil
      }
      var offset = 0
      let received = input.span.extracting(0..<count)
      while framing.advance(over: received, from: &offset) {
        let event = session.receive(frame: framing.frame, now: now, objects: &nothing)
        if case .established(let welcome) = event {
          answer = GreetedBoard(id: digits(welcome.board), firmware: text(welcome.firmware))
        }
      }
    }
    // So that the board does not wait for what will not come.
    session.close()
    _ = output.send(from: &session, to: descriptor)
    return answer
  }

  private static func text(_ text: ShortText) -> String {
    text.span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  private static func digits(_ id: UInt64) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// Frames on their way to a port.
private final class FrameOutput {
  private var frame: BoundedBytes
  private var coded: BoundedBytes
  private var sent = 0

  init(maximumFrame: Int) {
    frame = BoundedBytes(capacity: maximumFrame)
    coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: maximumFrame))
  }

  var isEmpty: Bool { sent == coded.count }

  /// Sends what there is to send and the port takes; whether the port is still there.
  func send(from session: inout LinkSession, to descriptor: Int32) -> Bool {
    var nothing = NoObjects()
    while true {
      if isEmpty {
        let now = Timestamp(microseconds: Clock.now)
        guard session.nextFrame(now: now, objects: &nothing, into: &frame) else { return true }
        coded.removeAll()
        sent = 0
        COBS.encode(frame.span, into: &coded)
      }
      let count = Self.write(coded.span, from: sent, to: descriptor)
      guard count > 0 else { return errno == EAGAIN || errno == EINTR }
      sent += count
    }
  }

  private static func write(_ bytes: Span<UInt8>, from offset: Int, to descriptor: Int32) -> Int {
    bytes.withUnsafeBytes { bytes in
      Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
    }
  }
}

/// Nothing is moved here but a greeting.
private struct NoObjects: ObjectAccess {
  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool { false }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool { false }
}
