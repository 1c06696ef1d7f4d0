/// Status lines that stay at the foot of the terminal while the log scrolls above them.
///
/// Does nothing where the log does not go to a terminal in ``ConsoleStyle/colour``. May be used from any thread.
public struct LiveView: Sendable {
  let sink: ConsoleSink

  /// Sets, changes or (nil) takes away the line of a key, such as a board's id. Lines stay in the order in which they
  /// came, are cut to the terminal's width, and are drawn at most ten times a second.
  public func update(key: String, line: String?) {
    sink.setStatus(key, line)
  }

  /// Takes all status lines off the screen. Happens by itself when the process exits.
  public func end() {
    sink.endStatus()
  }
}
