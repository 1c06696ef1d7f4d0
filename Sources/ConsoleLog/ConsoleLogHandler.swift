public import Logging

/// Turns the events of one logger into lines of a ``ConsoleLog``.
public struct ConsoleLogHandler: LogHandler {
  private let label: String
  private let style: ConsoleStyle
  private let sink: ConsoleSink

  /// The least level that is logged.
  public var logLevel: Logger.Level

  /// What goes with every event of this logger.
  public var metadata: Logger.Metadata = [:]

  /// What the surroundings of an event add, such as task-local values.
  public var metadataProvider: Logger.MetadataProvider? = LoggingSystem.metadataProvider

  init(label: String, style: ConsoleStyle, sink: ConsoleSink, logLevel: Logger.Level) {
    self.label = label
    self.style = style
    self.sink = sink
    self.logLevel = logLevel
  }

  /// One item of ``metadata``.
  public subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one line. The event's metadata goes before the provider's, and that before the logger's. An error that
  /// came with the event is shown as the item `error`.
  public func log(event: LogEvent) {
    var merged = metadata
    merged.merge(metadataProvider?.get() ?? [:]) { $1 }
    merged.merge(event.metadata ?? [:]) { $1 }
    if let error = event.error { merged["error"] = .string("\(error)") }
    let record = LogRecord(
      time: .now(), level: event.level, subsystem: label, message: event.message.description, metadata: merged
    )
    sink.write(style.line(record))
  }
}
