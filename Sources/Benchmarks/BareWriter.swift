import Glibc
import SerialDevices

/// Writes to a port without any protocol, as cat(1) does.
final class BareWriter {
  private let descriptor: Int32

  init(port: String) throws {
    descriptor = try TTY.open(port).release()
  }

  deinit { TTY.end(descriptor) }

  /// - Parameter pieces: bytes of one write(2) at most.
  func write(_ bytes: [UInt8], pieces: Int = 1040) {
    var written = 0
    while written < bytes.count {
      let part = min(pieces, bytes.count - written)
      let sent = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, part) }
      if sent > 0 { written += sent } else { wait(for: POLLOUT) }
    }
  }

  /// Waits for one byte.
  func awaitWord() throws {
    var word = UInt8(0)
    let deadline = ContinuousClock.now + .seconds(20)
    while read(descriptor, &word, 1) != 1 {
      guard ContinuousClock.now < deadline else { throw BenchError.noAnswer("the bare peer's byte") }
      wait(for: POLLIN)
    }
  }

  private func wait(for events: Int32) {
    var poll = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    Glibc.poll(&poll, 1, 1000)
  }
}
