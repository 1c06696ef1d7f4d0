/// How much room text takes on a terminal.
enum TerminalText {
  /// The columns that one scalar takes: 0 for marks that combine, 2 for East Asian wide ones and emoji, else 1.
  ///
  /// A short form of Unicode Standard Annex #11 by blocks. Where a terminal disagrees, a status line ends some
  /// columns early or late.
  static func columns(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
      0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff, 0x1f900...0x1f9ff,
      0x20000...0x3fffd:
      return 2
    default: return 1
    }
  }

  /// The columns that a line without controls takes.
  static func columns(_ line: String) -> Int {
    line.unicodeScalars.reduce(0) { $0 + columns($1) }
  }

  /// The line, or as much of its beginning as fits into `limit` columns with `…` after it.
  static func truncated(_ line: String, to limit: Int) -> String {
    guard columns(line) > limit else { return line }
    guard limit > 0 else { return "" }
    var kept = ""
    var used = 1
    for scalar in line.unicodeScalars {
      used += columns(scalar)
      if used > limit { break }
      kept.unicodeScalars.append(scalar)
    }
    return kept + "…"
  }
}
