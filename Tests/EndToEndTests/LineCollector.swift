import Foundation
import Glibc

/// The lines that a program says, kept in order, for tests to wait for.
final class LineCollector: @unchecked Sendable {
  // Guarded by `condition`.
  private let condition = NSCondition()
  private var lines: [LogLine] = []
  private var isOver = false

  /// Reads from a descriptor on a thread of its own until it ends, and closes it.
  func collect(from descriptor: Int32) {
    Thread.detachNewThread {
      var rest: [UInt8] = []
      var block = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(descriptor, &block, block.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { break }
        rest += block[..<count]
        while let end = rest.firstIndex(of: 0x0a) {
          self.add(LogLine(String(decoding: rest[..<end], as: UTF8.self)))
          rest.removeSubrange(...end)
        }
      }
      if !rest.isEmpty { self.add(LogLine(String(decoding: rest, as: UTF8.self))) }
      close(descriptor)
      self.condition.withLock {
        self.isOver = true
        self.condition.broadcast()
      }
    }
  }

  private func add(_ line: LogLine) {
    condition.withLock {
      lines.append(line)
      condition.broadcast()
    }
  }

  /// All lines so far.
  var all: [LogLine] { condition.withLock { lines } }

  /// Number of lines so far: where to look from for what comes next.
  var count: Int { condition.withLock { lines.count } }

  /// The last lines, for a failed test.
  var tail: String { all.suffix(40).map(\.raw).joined(separator: "\n") }

  /// Waits for a line that has every one of `words` in its message.
  ///
  /// - Parameters:
  ///   - start: index of the first line that is looked at.
  ///   - seconds: how long.
  /// - Returns: the line and its index.
  @discardableResult
  func line(
    with words: String..., from start: Int = 0, within seconds: Double = 20
  ) throws -> (line: LogLine, index: Int) {
    try first(from: start, within: seconds, "with \(words)") { line in
      words.allSatisfy { line.message.contains($0) }
    }
  }

  /// Waits for a line that meets a condition.
  @discardableResult
  func first(
    from start: Int = 0, within seconds: Double = 20, _ what: String, where matches: (LogLine) -> Bool
  ) throws -> (line: LogLine, index: Int) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    var next = start
    while true {
      while next < lines.count {
        if matches(lines[next]) { return (lines[next], next) }
        next += 1
      }
      guard !isOver, condition.wait(until: deadline) else { break }
    }
    let last = lines.suffix(40).map(\.raw).joined(separator: "\n")
    throw Failure(
      "no line \(what) \(isOver ? "before the end" : "within \(seconds) s"); the last lines were:\n\(last)")
  }

  /// The lines so far that have every one of `words` in their message.
  func lines(with words: String...) -> [LogLine] {
    all.filter { line in words.allSatisfy { line.message.contains($0) } }
  }
}

/// A line of a program's output: a JSON object of the log, or anything else.
struct LogLine {
  /// The line as it came.
  let raw: String
  /// When it came.
  let time = ContinuousClock.now
  /// What it says: the message of a log line, the whole of any other.
  let message: String
  /// `info` and so on; nil for what is no log line.
  let level: String?
  /// The items of a log line, as text.
  private let items: [String: String]

  init(_ raw: String) {
    self.raw = raw
    let parsed = try? JSONSerialization.jsonObject(with: Data(raw.utf8)) as? [String: Any]
    guard let parsed, let message = parsed["message"] as? String else {
      self.message = raw
      level = nil
      items = [:]
      return
    }
    self.message = message
    level = parsed["level"] as? String
    items = parsed.mapValues { "\($0)" }
  }

  /// An item of a log line by its name.
  subscript(_ item: String) -> String? { items[item] }
}
