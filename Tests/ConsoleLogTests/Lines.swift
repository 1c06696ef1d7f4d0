import Glibc
import Logging
import PropertyTesting

@testable import ConsoleLog

/// 2026-11-22T13:52:07.123Z.
let aMoment = WallTime(seconds: 1_795_355_527, milliseconds: 123)

/// A record with what a test does not care about filled in.
func record(
  _ message: String, level: Logger.Level = .info, metadata: Logger.Metadata = [:],
  subsystem: String = "gateway"
) -> LogRecord {
  LogRecord(time: aMoment, level: level, subsystem: subsystem, message: message, metadata: metadata)
}

/// Text of any scalars, the awkward ones more often than not.
func randomText(_ random: inout SeededGenerator) -> String {
  let awkward: [Unicode.Scalar] = [
    "\n", "\r", "\t", "\u{0}", "\u{1b}", "\"", "\\", "=", " ", "\u{7f}", "\u{9b}", "\u{2028}", "\u{202e}",
    "é", "漢", "😀", "\u{301}", "\u{10ffff}",
  ]
  var text = ""
  for _ in 0..<Int.random(in: 0..<20, using: &random) {
    let any = Unicode.Scalar(UInt32.random(in: 0..<0x11_0000, using: &random))
    text.unicodeScalars.append(
      Bool.random(using: &random) ? awkward.randomElement(using: &random)! : any ?? "x")
  }
  return text
}

/// A pipe whose reading end the test holds; both ends are closed with it.
final class TestPipe {
  let (reader, writer): (Int32, Int32)

  init(nonBlocking: Bool = false) {
    var ends: [Int32] = [-1, -1]
    precondition(pipe(&ends) == 0)
    (reader, writer) = (ends[0], ends[1])
    if nonBlocking { _ = fcntl(writer, F_SETFL, O_NONBLOCK) }
    _ = fcntl(reader, F_SETFL, O_NONBLOCK)
  }

  deinit {
    close(reader)
    close(writer)
  }

  /// What waits in the pipe.
  func read() -> String { readAll(reader) }
}

/// What waits on a non-blocking descriptor.
func readAll(_ descriptor: Int32) -> String {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while case let count = Glibc.read(descriptor, &buffer, buffer.count), count > 0 {
    bytes += buffer[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}
