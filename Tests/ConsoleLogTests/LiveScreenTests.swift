import PropertyTesting
import Testing

@testable import ConsoleLog

private let usual = TerminalSize(columns: 80, rows: 24)

/// A terminal that understands what the live view writes: printing with wrapping, CR, LF, cursor up, erase below.
private struct Terminal {
  let columns: Int
  var rows: [[Character]] = [[]]
  var row = 0
  var column = 0

  init(columns: Int) { self.columns = columns }

  mutating func take(_ text: String) {
    var scalars = Substring(text).unicodeScalars[...]
    while let scalar = scalars.popFirst() {
      switch scalar {
      case "\r": column = 0
      case "\n":
        (row, column) = (row + 1, 0)
        if row == rows.count { rows.append([]) }
      case "\u{1b}":
        scalars.removeFirst()
        var parameter = ""
        while let next = scalars.popFirst() {
          if next == "A" { row = max(0, row - (Int(parameter) ?? 1)) }
          if next == "J" {
            rows.removeSubrange((row + 1)...)
            rows[row] = Array(rows[row].prefix(column))
          }
          if next.properties.isAlphabetic { break }
          parameter.unicodeScalars.append(next)
        }
      default:
        if column == columns {
          (row, column) = (row + 1, 0)
          if row == rows.count { rows.append([]) }
        }
        while rows[row].count <= column { rows[row].append(" ") }
        rows[row][column] = Character(scalar)
        column += 1
      }
    }
  }

  var text: [String] { rows.map { String($0) } }
}

@Suite struct LiveScreenTests {
  @Test func logLinesScrollAboveTheStatusLines() {
    var (screen, terminal) = (LiveScreen(limit: 5), Terminal(columns: 80))
    screen.set("a", "rose 10 %")
    screen.set("b", "fern 20 %")
    terminal.take(screen.redraw(now: 0, size: usual))
    #expect(terminal.text == ["rose 10 %", "fern 20 %"])
    terminal.take(screen.write("first\n", now: 1, size: usual))
    terminal.take(screen.write("second\n", now: 2, size: usual))
    #expect(terminal.text == ["first", "second", "rose 10 %", "fern 20 %"])
    screen.set("a", nil)
    screen.set("b", "fern 30 %")
    terminal.take(screen.redraw(now: 3, size: usual))
    #expect(terminal.text == ["first", "second", "fern 30 %"])
    terminal.take(screen.end(usual))
    #expect(terminal.text == ["first", "second", ""])
    #expect(screen.write("third\n", now: 4, size: usual) == "third\n")
  }

  @Test func aTerminalThatBecameNarrowerIsStillCleanedUp() {
    var screen = LiveScreen(limit: 5)
    screen.set("a", String(repeating: "a", count: 70))
    screen.set("b", "b")
    _ = screen.redraw(now: 0, size: usual)
    // Wrapped to 20 columns the first line fills 4 rows, the second 1: the cursor must go up 4.
    let text = screen.write("x\n", now: 1, size: TerminalSize(columns: 20, rows: 24))
    #expect(text.hasPrefix("\r\u{1b}[4A\u{1b}[Jx\n"))
  }

  @Test func statusLinesAreCutToWidthAndHeight() {
    let lines = (1...30).map { "line \($0) " + String(repeating: "x", count: 100) }
    for (columns, rows) in [(80, 24), (20, 6), (1, 1), (2, 2), (200, 100)] {
      let frame = LiveScreen.frame(lines, limit: 12, size: TerminalSize(columns: columns, rows: rows))
      #expect(frame.count <= max(1, min(12, rows / 2)))
      #expect(frame.allSatisfy { TerminalText.columns($0) <= max(1, columns - 1) })
    }
    let frame = LiveScreen.frame(lines, limit: 3, size: usual)
    #expect(frame.last == "… and 28 more")
    #expect(LiveScreen.frame(["a", "b", "c"], limit: 3, size: usual) == ["a", "b", "c"])
  }

  @Test func redrawsWaitForATenthOfASecond() {
    var screen = LiveScreen(limit: 5)
    #expect(screen.redrawDue(now: 0) == nil)
    screen.set("a", "1")
    #expect(screen.redrawDue(now: 1000) == 0)
    _ = screen.redraw(now: 1000, size: usual)
    #expect(screen.redrawDue(now: 1000) == nil)
    screen.set("a", "1")
    #expect(screen.redrawDue(now: 1001) == nil, "nothing changed")
    screen.set("a", "2")
    #expect(screen.redrawDue(now: 1001) == 99)
    #expect(screen.redrawDue(now: 1100) == 0 && screen.redrawDue(now: 9999) == 0)
    _ = screen.write("x\n", now: 1050, size: usual)
    #expect(screen.redrawDue(now: 1050) == nil, "the log line brought it up to date")
  }

  @Test func textFromABoardCannotBreakTheScreen() {
    var screen = LiveScreen(limit: 5)
    screen.set("a", "rose\n\u{1b}[2J\u{9b}H")
    #expect(screen.redraw(now: 0, size: usual) == "rose\\n\\u{1b}[2J\\u{9b}H")
  }

  @Test func widthsAreCountedInColumns() {
    #expect(
      TerminalText.columns("rose") == 4 && TerminalText.columns("漢字") == 4
        && TerminalText.columns("e\u{301}") == 1)
    #expect(TerminalText.columns("█░…") == 3)
    #expect(TerminalText.truncated("漢字漢字", to: 6) == "漢字…" && TerminalText.truncated("漢字", to: 4) == "漢字")
    #expect(TerminalText.truncated("abc", to: 0) == "" && TerminalText.truncated("abc", to: 1) == "…")
  }

  /// Random status changes, log lines and resizes in a simulated terminal that keeps its width.
  @Test func theTerminalAlwaysShowsTheLogAndThenTheStatus() {
    for seed in 0..<200 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let size = TerminalSize(
        columns: Int.random(in: 2...40, using: &random), rows: Int.random(in: 2...20, using: &random))
      var (screen, terminal) = (LiveScreen(limit: 6), Terminal(columns: size.columns))
      var log: [String] = []
      var status: [(key: String, text: String)] = []
      for step in 0..<40 {
        let key = "k\(Int.random(in: 0..<8, using: &random))"
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
          log.append("l\(step % 10)")
          terminal.take(screen.write(log.last! + "\n", now: step, size: size))
        case 1:
          screen.set(key, nil)
          status.removeAll { $0.key == key }
        default:
          let text = String(repeating: "s", count: Int.random(in: 1...50, using: &random))
          screen.set(key, text)
          if let index = status.firstIndex(where: { $0.key == key }) {
            status[index].text = text
          } else {
            status.append((key, text))
          }
        }
        terminal.take(screen.redraw(now: step, size: size))
        let frame = LiveScreen.frame(status.map(\.text), limit: 6, size: size)
        #expect(terminal.text == log + (frame.isEmpty ? [""] : frame), "seed \(seed) step \(step)")
      }
    }
  }
}
