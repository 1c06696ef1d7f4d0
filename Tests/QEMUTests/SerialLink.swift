import Bytes
import Glibc
import LinkProtocol

/// A gateway's end of a board's serial port.
final class SerialLink {
  private let descriptor: Int32
  private var framing = StreamFraming(maximumFrame: 1100)
  private var stuffed = BoundedBytes(capacity: 1300)
  private var waiting: [UInt8] = []

  struct CannotOpen: Error { let path: String, reason: String }

  init(path: String) throws {
    descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw CannotOpen(path: path, reason: String(cString: strerror(errno))) }
    var mode = termios()
    tcgetattr(descriptor, &mode)
    cfmakeraw(&mode)
    tcsetattr(descriptor, TCSANOW, &mode)
  }

  deinit { close(descriptor) }

  static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Timestamp(microseconds: UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)
  }

  /// Runs the gateway's side until `done`; false if that was not so within `seconds`.
  func run(_ side: GatewaySide, seconds: UInt64 = 60, until done: () -> Bool) -> Bool {
    let end = Self.now + .seconds(seconds)
    while Self.now < end {
      if let due = side.session.nextDeadline, due <= Self.now { side.timeOut(now: Self.now) }
      fill(from: side)
      if done() { return true }
      wait(side, end)
      read(for: side)
    }
    return false
  }

  /// Writes bytes as they are and reads nothing; false if they did not go through in time.
  func flood(_ bytes: [UInt8], seconds: UInt64 = 60) -> Bool {
    var rest = bytes[...]
    let end = Self.now + .seconds(seconds)
    while !rest.isEmpty, Self.now < end {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 { rest = rest.dropFirst(count) }
      if count <= 0 {
        var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&event, 1, 100)
      }
    }
    return rest.isEmpty
  }

  /// A frame as it goes on the wire.
  func stuff(_ frame: [UInt8]) -> [UInt8] {
    stuffed.removeAll()
    COBS.encode(frame.span, into: &stuffed)
    var bytes: [UInt8] = []
    for i in 0..<stuffed.count { bytes.append(stuffed.span[i]) }
    return bytes
  }

  private func fill(from side: GatewaySide) {
    while true {
      if waiting.isEmpty {
        guard let frame = side.nextFrame(now: Self.now) else { return }
        waiting = stuff(frame)
      }
      let count = waiting.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      waiting.removeFirst(count)
    }
  }

  private func wait(_ side: GatewaySide, _ end: Timestamp) {
    var event = pollfd(
      fd: descriptor, events: Int16(waiting.isEmpty ? POLLIN : POLLIN | POLLOUT), revents: 0)
    let wake = Timestamp.earliest(side.session.nextDeadline, end) ?? end
    poll(&event, 1, Int32(clamping: (wake - Self.now) / 1000 + 1))
  }

  private func read(for side: GatewaySide) {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Glibc.read(descriptor, &bytes, bytes.count)
      guard count > 0 else { return }
      var offset = 0
      let part = bytes.span.extracting(0..<count)
      while framing.advance(over: part, from: &offset) {
        side.receive(frame: framing.frame, now: Self.now)
      }
    }
  }
}
