import Logging

/// One event on its way to a line.
struct LogRecord: Sendable {
  var time: WallTime
  var level: Logger.Level
  /// The logger's label.
  var subsystem: String
  var message: String
  var metadata: Logger.Metadata

  /// The metadata in the order of the keys, so that the same event always gives the same line.
  var fields: [(key: String, value: Logger.MetadataValue)] {
    metadata.sorted { $0.key < $1.key }
  }
}

extension Logger.Level {
  /// At most five letters, for a column.
  var shortName: String {
    switch self {
    case .trace: "trace"
    case .debug: "debug"
    case .info: "info"
    case .notice: "note"
    case .warning: "warn"
    case .error: "error"
    case .critical: "crit"
    }
  }

  /// The priority of sd-daemon(3), which is syslog(3)'s.
  var journalPriority: Int {
    switch self {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
