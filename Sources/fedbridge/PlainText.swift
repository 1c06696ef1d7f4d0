/// Text made fit for a terminal's width.
enum PlainText {
  /// The text in lines of at most `width` characters, broken between words; what follows the first line is indented.
  static func wrapped(_ text: String, to width: Int?, indent: Int) -> [String] {
    guard let width, text.count > width else { return [text] }
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    // The text's own indentation stays before its first word.
    var current = String(text.prefix { $0 == " " })
    var isFresh = true
    for word in text.split(separator: " ") {
      if !isFresh, current.count + 1 + word.count > width {
        lines.append(current)
        current = margin
        isFresh = true
      }
      current += (isFresh ? "" : " ") + word
      isFresh = false
    }
    return lines + [current]
  }

  /// The beginning of a text, with `…` after it if there was more.
  static func cut(_ text: String, to length: Int) -> String {
    text.count <= length ? text : text.prefix(max(0, length - 1)) + "…"
  }
}
