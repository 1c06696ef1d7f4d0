import Glibc
public import Logging
import Synchronization

/// The log as the user's interface: one event, one line, whatever bytes it is made of.
///
/// See ``ConsoleStyle`` for the forms of a line. In the text forms metadata follows the message as `key=value`, unless
/// its key begins with `_` or the message already shows it as a word of its own.
public struct ConsoleLog: Sendable {
  /// The style in use; never ``ConsoleStyle/automatic``.
  public let style: ConsoleStyle

  /// The status lines below the log.
  public let live: LiveView

  let sink: ConsoleSink

  /// A log on a descriptor.
  ///
  /// - Parameters:
  ///   - style: how lines look.
  ///   - descriptor: borrowed and never closed; standard error unless told otherwise.
  ///   - statusLines: the most lines of the live view.
  public init(style: ConsoleStyle = .automatic, descriptor: Int32 = 2, statusLines: Int = 12) {
    let surroundings = ConsoleStyle.Surroundings.of(descriptor)
    let resolved = style.resolved(surroundings)
    self.style = resolved
    sink = ConsoleSink(
      descriptor: descriptor, hasScreen: resolved == .colour && surroundings.isTerminal,
      statusLines: statusLines
    ) { count in
      resolved.line(
        LogRecord(
          time: .now(), level: .warning, subsystem: "log",
          message: "\(count) log lines were dropped, because nobody read them", metadata: [:]))
    }
    live = LiveView(sink: sink)
  }

  /// Makes this the log of the whole process, once.
  ///
  /// SIGPIPE is ignored from then on, so that a reader that goes away (`fedbridge run 2>&1 | head`) costs log lines
  /// and not the process. At exit the status lines are taken off the screen.
  ///
  /// - Parameters:
  ///   - style: how lines look.
  ///   - level: the least level that is logged, until a logger says otherwise.
  /// - Returns: the log, for its live view.
  @discardableResult
  public static func bootstrap(style: ConsoleStyle = .automatic, level: Logger.Level = .info) -> ConsoleLog {
    let log = ConsoleLog(style: style)
    signal(SIGPIPE, SIG_IGN)
    tzset()
    processSink.withLock { $0 = log.sink }
    atexit { processSink.withLock { $0 }?.endStatus() }
    LoggingSystem.bootstrap { label in log.handler(label: label, level: level) }
    return log
  }

  /// A handler for one logger.
  public func handler(label: String, level: Logger.Level = .info) -> ConsoleLogHandler {
    ConsoleLogHandler(label: label, style: style, sink: sink, logLevel: level)
  }
}

/// What atexit(3) must reach, because it takes no context.
private let processSink = Mutex<ConsoleSink?>(nil)
