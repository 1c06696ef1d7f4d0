import Glibc

/// What the watch tells.
public enum SerialPortReport: Sendable, Hashable {
  /// Something happened to a port.
  case port(PortEvent)
  /// Every port that was there at the start has been told, `count` of them.
  ///
  /// Without hot-plug (no udev daemon runs here, as in most containers) changes are found by listing every few
  /// seconds, and no rule sets permissions.
  case listed(count: Int, hotPlug: Bool)
  /// A udev daemon began to run, or none runs any more.
  case hotPlug(Bool)
  /// Events may have been lost, because nobody read them in time or the monitor broke. The ports were listed anew, so
  /// nothing is missed.
  case relisted
  /// libudev failed; nothing more will be told.
  case failed(SerialWatchError)
}

/// Watches for boards on USB, those present and those plugged in later, through one path.
public struct SerialPortWatch: Sendable {
  /// What it finds. The stream never waits for its reader: libudev's socket is drained at once. Cancelling the
  /// iteration, or dropping the watch and the stream, wakes its thread, which then frees what it holds and ends.
  public let reports: AsyncStream<SerialPortReport>

  private let relistSignal: WakeSignal

  /// Starts a watch. Each is a watch of its own, with one thread that waits in poll(2).
  ///
  /// - Throws: when the process has no descriptor or no thread left, or libudev refuses.
  public init() throws(SerialWatchError) {
    let source = try UdevTTYSource()
    let stop = try WakeSignal()
    let relist = try WakeSignal()
    let (stream, continuation) = AsyncStream<SerialPortReport>.makeStream()
    continuation.onTermination = { _ in stop.raise() }
    try WatchThread(source: source, stop: stop, relist: relist, reports: continuation).start()
    reports = stream
    relistSignal = relist
  }

  /// Compares what is known with what is there, e.g. after a port hung up of which no removal was told.
  public func relist() { relistSignal.raise() }
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
