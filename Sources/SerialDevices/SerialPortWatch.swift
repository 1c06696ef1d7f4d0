import Glibc

/// What the watch tells.
public enum SerialPortReport: Sendable, Hashable {
  /// Something happened to a port.
  case port(PortEvent)
  /// Every port that was there at the start has been told, `count` of them.
  ///
  /// Without hot-plug (no udev daemon runs here, as in most containers) later changes will not be told, and what is
  /// plugged in later must be named by its path.
  case listed(count: Int, hotPlug: Bool)
  /// The kernel dropped events because nobody read them in time; the ports were listed anew, so nothing is missed.
  case relisted
  /// libudev failed; nothing more will be told.
  case failed(SerialWatchError)
}

/// Watches for boards on USB, those present and those plugged in later, through one path.
public enum SerialPortWatch {
  /// Starts a watch. Each call is a watch of its own, with one thread that waits in poll(2).
  ///
  /// The stream never waits for its reader: libudev's socket is drained at once. Ending the iteration, by
  /// cancellation or by dropping the stream, wakes the thread, which then frees what it holds and ends.
  ///
  /// - Throws: when the process has no descriptor or no thread left, or libudev refuses.
  public static func reports() throws(SerialWatchError) -> AsyncStream<SerialPortReport> {
    let source = try UdevTTYSource()
    let stop = try StopSignal()
    let (stream, continuation) = AsyncStream<SerialPortReport>.makeStream()
    continuation.onTermination = { _ in stop.raise() }
    try WatchThread(source: source, stop: stop, reports: continuation).start()
    return stream
  }
}

/// The watch could not start or go on.
public struct SerialWatchError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The call that failed.
  public var call: String
  /// Its errno.
  public var errno: Int32

  /// Stable, for scripts and for the documentation.
  public var code: String { "serial-watch-failed" }

  /// Cause and remedy in one sentence each.
  public var description: String {
    "cannot watch for boards on USB: \(call): \(systemMessage(errno)); "
      + "name the ports with --serial PATH, or check that libudev and /sys are usable here [\(code)]"
  }
}
