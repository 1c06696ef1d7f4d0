extension Unicode.Scalar {
  /// Whether this may not reach a terminal or a line as it is: controls (line ends and escape sequences among them),
  /// the line and paragraph separators, and the marks without a shape, of which some reorder what stands around them.
  var isUnsafeInALine: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}

/// The beginning of a text up to 16 KiB, with `…` after it if there was more: no event can flood the log.
func bounded(_ text: String) -> String {
  let limit = 16_384
  guard text.utf8.count > limit else { return text }
  // A character that is cut in the middle becomes U+FFFD.
  return String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "…"
}

/// The text as one harmless line: what ``Unicode/Scalar/isUnsafeInALine`` tells of is written `\n`, `\t`, `\r` or
/// `\u{1b}`. Everything else, backslashes too, stays as it is, up to 16 KiB. A board's name is anybody's to choose.
public func singleLine(_ text: String) -> String {
  let text = bounded(text)
  guard text.unicodeScalars.contains(where: \.isUnsafeInALine) else { return text }
  var line = ""
  for scalar in text.unicodeScalars { appendEscaped(scalar, to: &line) }
  return line
}

/// A value of `key=value`: bare if it reads unmistakably, else in quotation marks, where `"` and `\` are escaped too.
func quotedIfNeeded(_ text: String) -> String {
  let text = bounded(text)
  let bare = text.unicodeScalars.allSatisfy { scalar in
    !scalar.isUnsafeInALine && !scalar.properties.isWhitespace && scalar != "\"" && scalar != "\\"
      && scalar != "="
  }
  if bare && !text.isEmpty { return text }
  var line = "\""
  for scalar in text.unicodeScalars {
    if scalar == "\"" || scalar == "\\" { line.unicodeScalars.append("\\") }
    appendEscaped(scalar, to: &line)
  }
  return line + "\""
}

private func appendEscaped(_ scalar: Unicode.Scalar, to line: inout String) {
  guard scalar.isUnsafeInALine else {
    line.unicodeScalars.append(scalar)
    return
  }
  switch scalar {
  case "\n": line += "\\n"
  case "\r": line += "\\r"
  case "\t": line += "\\t"
  default: line += "\\u{\(String(scalar.value, radix: 16))}"
  }
}
