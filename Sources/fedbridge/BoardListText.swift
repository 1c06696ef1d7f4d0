import ConsoleLog
import Foundation
import GatewayControl

/// A ``BoardList`` as people read it.
enum BoardListText {
  /// The list as lines.
  ///
  /// - Parameter width: the columns to fit into, if it can be done; nil: everything in full.
  static func lines(of list: BoardList, now: Date, width: Int?) -> [String] {
    [
      boards(list.boards, now, width), strangers(list.strangers, now, width),
      adapters(list.adapters, width), joining(list.joinSecondsLeft),
    ].filter { !$0.isEmpty }.flatMap { [""] + $0 }.dropFirst().map { $0 }
  }

  /// How long ago something was: `now`, `42 s ago`, `3 min ago`, `5 h ago`, `2 days ago`.
  static func age(_ moment: Date, _ now: Date) -> String {
    // A clock that was set back is no reason to speak of the future.
    let seconds = max(0, now.timeIntervalSince(moment))
    switch seconds {
    case ..<10: return "now"
    case ..<60: return "\(Int(seconds)) s ago"
    case ..<3600: return "\(Int(seconds / 60)) min ago"
    case ..<86_400: return "\(Int(seconds / 3600)) h ago"
    case ..<172_800: return "1 day ago"
    // Beyond any calendar.
    case ..<1e12: return "\(Int(seconds / 86_400)) days ago"
    default: return "never"
    }
  }

  private static let header = ["name", "id", "carrier", "state", "firmware", "Bluetooth", "last seen"]
  private static let (idColumn, stateColumn) = (1, 3)
  /// A state is cut no shorter than this.
  private static let shortestState = 8

  private static func boards(_ boards: [KnownBoard], _ now: Date, _ width: Int?) -> [String] {
    guard !boards.isEmpty else { return ["no boards yet: plug one in by cable"] }
    var rows = boards.map { board in
      [
        board.name, board.id, board.carrier ?? "-", board.state, board.firmware ?? "-",
        board.bluetooth ?? "-",
        age(board.lastSeen, now),
      ].map(singleLine)
    }
    if let width, excess(rows, width) > 0 {
      let ids = shortened(rows.map { $0[idColumn] })
      for row in rows.indices { rows[row][idColumn] = ids[row] }
      let state = rows.map { $0[stateColumn].count }.max() ?? 0
      let room = max(shortestState, state - excess(rows, width))
      for row in rows.indices { rows[row][stateColumn] = PlainText.cut(rows[row][stateColumn], to: room) }
    }
    let widths = widths(rows)
    return ([header] + rows).map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
  }

  private static func widths(_ rows: [[String]]) -> [Int] {
    header.indices.map { column in
      rows.reduce(header[column].count) { max($0, $1[column].count) }
    }
  }

  /// By how many columns a table is too wide.
  private static func excess(_ rows: [[String]], _ width: Int) -> Int {
    max(0, widths(rows).reduce(2 * (header.count - 1), +) - width)
  }

  /// The first digits of ids, as many as tell them apart and at least eight. Any of them names a board.
  private static func shortened(_ ids: [String]) -> [String] {
    let longest = ids.map(\.count).max() ?? 0
    let length =
      (8..<max(9, longest)).first { length in
        Set(ids.map { $0.prefix(length) }).count == Set(ids).count
      } ?? longest
    return ids.map { String($0.prefix(length)) }
  }

  private static func strangers(_ strangers: [SeenBoard], _ now: Date, _ width: Int?) -> [String] {
    guard !strangers.isEmpty else { return [] }
    var lines = ["seen over Bluetooth and not admitted:"]
    for stranger in strangers {
      var line = "  \(stranger.address)  "
      // Names over the air have at most 248 bytes, and these rarely a reason for more than a few.
      line += PlainText.cut(stranger.name.isEmpty ? "without a name" : stranger.name, to: 32)
      if let claims = stranger.claims { line += ", says it is \(claims)" }
      if let signal = stranger.signal { line += ", \(signal) dBm" }
      line += ", \(age(stranger.lastSeen, now))"
      lines += PlainText.wrapped(singleLine(line), to: width, indent: 4)
      lines += PlainText.wrapped("    " + singleLine(stranger.reason), to: width, indent: 4)
    }
    return lines
      + PlainText.wrapped(
        "to admit one: plug it in by cable once, or pair with it: fedbridge pair ADDRESS", to: width,
        indent: 2)
  }

  private static func adapters(_ adapters: [AdapterStatus], _ width: Int?) -> [String] {
    adapters.flatMap { adapter in
      var line = "adapter \(adapter.name)"
      if let address = adapter.address { line += " (\(address))" }
      line += " is \(adapter.state)"
      if let remedy = adapter.remedy { line += "; \(remedy)" }
      return PlainText.wrapped(singleLine(line), to: width, indent: 2)
    }
  }

  private static func joining(_ seconds: UInt32) -> [String] {
    seconds == 0 ? [] : ["joining is permitted for another \(seconds) s"]
  }
}
