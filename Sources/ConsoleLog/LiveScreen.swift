/// Room on a terminal.
struct TerminalSize: Sendable, Equatable {
  var columns: Int
  var rows: Int
}

/// The status lines at the foot of a terminal, as a value: calls go in, bytes for the terminal come out.
///
/// On the screen the status lines stand below everything else and the cursor waits at the end of the last one. To
/// write a log line, the status lines are erased, the log line takes their place and scrolls, and they are drawn
/// again below it. No mode of the terminal is changed, so that a killed process leaves a usable one behind.
struct LiveScreen: Sendable {
  /// The least time between two redraws that no log line causes, in milliseconds.
  static let redrawInterval = 100

  private let limit: Int
  private var lines: [(key: String, text: String)] = []
  /// The columns of each line that is on the screen now.
  private var drawn: [Int] = []
  private var isStale = false
  private var lastRedraw: Int?

  /// - Parameter limit: the most status lines to show; if there are more, the last one tells how many.
  init(limit: Int) {
    self.limit = max(1, limit)
  }

  /// Sets, changes or (nil) takes away the line of a key. Lines stay in the order in which they came.
  mutating func set(_ key: String, _ text: String?) {
    let index = lines.firstIndex { $0.key == key }
    switch (index, text.map(singleLine)) {
    case (let index?, let text?):
      if lines[index].text == text { return }
      lines[index].text = text
    case (let index?, nil): lines.remove(at: index)
    case (nil, let text?): lines.append((key, text))
    case (nil, nil): return
    }
    isStale = true
  }

  /// Milliseconds from `now` until a redraw is due: 0 is now, nil is no need of one.
  func redrawDue(now: Int) -> Int? {
    guard isStale else { return nil }
    return lastRedraw.map { max(0, min($0 + Self.redrawInterval - now, Self.redrawInterval)) } ?? 0
  }

  /// The bytes that bring the screen up to date.
  mutating func redraw(now: Int, size: TerminalSize) -> String {
    lastRedraw = now
    return erase(size) + draw(size)
  }

  /// The bytes that put `line` above the status lines. It must end with a line end.
  mutating func write(_ line: String, now: Int, size: TerminalSize) -> String {
    lastRedraw = now
    return erase(size) + line + draw(size)
  }

  /// The bytes that take the status lines off the screen for good.
  mutating func end(_ size: TerminalSize) -> String {
    lines = []
    isStale = false
    return erase(size)
  }

  /// The status lines as they are shown: cut to the width and the height, of which the log keeps at least half.
  static func frame(_ lines: [String], limit: Int, size: TerminalSize) -> [String] {
    let room = max(1, min(limit, size.rows / 2))
    var shown = lines
    if lines.count > room {
      shown = lines.prefix(room - 1) + ["… and \(lines.count - room + 1) more"]
    }
    // The last column stays free: writing into it makes some terminals wrap at once and others later.
    return shown.map { TerminalText.truncated($0, to: max(1, size.columns - 1)) }
  }

  private mutating func draw(_ size: TerminalSize) -> String {
    let frame = Self.frame(lines.map(\.text), limit: limit, size: size)
    drawn = frame.map(TerminalText.columns)
    isStale = false
    return frame.joined(separator: "\r\n")
  }

  private mutating func erase(_ size: TerminalSize) -> String {
    guard !drawn.isEmpty else { return "" }
    // A terminal that became narrower has wrapped what was drawn for a wider one.
    let rows = drawn.reduce(0) { $0 + max(1, ($1 + size.columns - 1) / max(1, size.columns)) }
    drawn = []
    // ECMA-48: cursor up, then erase from the cursor to the end of the page.
    return (rows > 1 ? "\r\u{1b}[\(rows - 1)A" : "\r") + "\u{1b}[J"
  }
}
