import Logging

/// A record as a line for people, without the line end.
enum TextLine {
  /// `14:52:07.123 info  board rose (7f3a21c0): model 3, 2570 of 10301 B round=2`.
  static func plain(_ record: LogRecord) -> String {
    "\(record.time.localClock) \(column(record.level)) \(body(record))"
  }

  /// The same with the time dim and the level in its colour.
  static func coloured(_ record: LogRecord) -> String {
    let message = record.level >= .error ? paint(body(record), "1") : body(record)
    return
      "\(paint(record.time.localClock, "2")) \(paint(column(record.level), colour(record.level))) \(message)"
  }

  /// `<6>board rose …`: the priority as sd-daemon(3) has it. The journal adds time and level itself.
  static func journal(_ record: LogRecord) -> String {
    "<\(record.level.journalPriority)>\(body(record))"
  }

  /// The message and the metadata that it does not already show.
  ///
  /// Not repeated are
  /// - keys that begin with `_`: they are for machines, and appear in JSON only;
  /// - values with a letter in them that stand in the message as a whole word, such as a board's name or a carrier.
  ///   A number is always repeated, because the same digits may mean something else there.
  private static func body(_ record: LogRecord) -> String {
    var line = singleLine(record.message)
    for (key, value) in record.fields where !key.hasPrefix("_") {
      let text = value.description
      if text.contains(where: \.isLetter) && contains(word: text, in: record.message) { continue }
      line += " \(quotedIfNeeded(key))=\(quotedIfNeeded(text))"
    }
    return line
  }

  private static func column(_ level: Logger.Level) -> String {
    let name = level.shortName
    return name + String(repeating: " ", count: 5 - name.count)
  }

  private static func colour(_ level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: "2"
    case .info: "32"
    case .notice: "36"
    case .warning: "33"
    case .error: "31"
    case .critical: "1;31"
    }
  }

  /// Select Graphic Rendition of ECMA-48 around a text that is already free of controls.
  private static func paint(_ text: String, _ rendition: String) -> String {
    "\u{1b}[\(rendition)m\(text)\u{1b}[0m"
  }

  /// Whether `word` occurs in `text` without a letter or digit next to it.
  private static func contains(word: String, in text: String) -> Bool {
    let (word, text) = (Array(word), Array(text))
    guard !word.isEmpty, word.count <= text.count else { return false }
    return (0...text.count - word.count).contains { start in
      let end = start + word.count
      return text[start] == word[0] && text[start..<end] == word[...]
        && (start == 0 || !isWordCharacter(text[start - 1]))
        && (end == text.count || !isWordCharacter(text[end]))
    }
  }

  private static func isWordCharacter(_ character: Character) -> Bool {
    character.isLetter || character.isNumber
  }
}
