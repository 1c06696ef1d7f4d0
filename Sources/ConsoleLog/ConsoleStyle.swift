import Glibc

/// How log lines look.
public enum ConsoleStyle: String, Sendable, CaseIterable {
  /// Chosen by where standard error goes: ``colour`` on a terminal, ``journal`` into systemd's journal, else
  /// ``plain``. A terminal with `NO_COLOR` set, or a dumb one, gets ``plain`` as well.
  case automatic
  /// Time, level, message, and what metadata the message does not show.
  case plain
  /// As ``plain``, in colour, with a live view below the log if it is a terminal.
  case colour
  /// One JSON object a line.
  case json
  /// Messages with sd-daemon(3) priorities in front.
  case journal

  /// What decides ``automatic``.
  struct Surroundings: Sendable {
    var isTerminal: Bool
    /// Device and inode of the descriptor.
    var identity: (device: UInt64, inode: UInt64)?
    /// Of the environment: `JOURNAL_STREAM`, `NO_COLOR`, `TERM`.
    var journalStream: String?
    var noColour: String?
    var terminal: String?

    /// What holds for a descriptor of this process.
    static func of(_ descriptor: Int32) -> Surroundings {
      var status = stat()
      let known = fstat(descriptor, &status) == 0
      func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
      return Surroundings(
        isTerminal: isatty(descriptor) == 1,
        identity: known ? (UInt64(status.st_dev), UInt64(status.st_ino)) : nil,
        journalStream: variable("JOURNAL_STREAM"), noColour: variable("NO_COLOR"), terminal: variable("TERM"))
    }
  }

  /// The style to use; never ``automatic``.
  func resolved(_ surroundings: Surroundings) -> ConsoleStyle {
    guard self == .automatic else { return self }
    if surroundings.isTerminal {
      // NO_COLOR counts unless it is empty (no-color.org).
      let dumb = (surroundings.terminal ?? "dumb") == "dumb"
      return dumb || surroundings.noColour?.isEmpty == false ? .plain : .colour
    }
    // systemd.exec(5): the variable is inherited by children whose standard error may go elsewhere, so it counts only
    // if it names this very file.
    if let identity = surroundings.identity,
      surroundings.journalStream == "\(identity.device):\(identity.inode)"
    {
      return .journal
    }
    return .plain
  }

  /// The record as a line, without its end.
  func line(_ record: LogRecord) -> String {
    switch self {
    case .automatic, .plain: TextLine.plain(record)
    case .colour: TextLine.coloured(record)
    case .json: JSONLine.json(record)
    case .journal: TextLine.journal(record)
    }
  }
}
