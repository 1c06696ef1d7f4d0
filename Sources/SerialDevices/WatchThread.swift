import CUdev
import Glibc

/// The thread that waits for libudev. Everything that is not `Sendable` is made before it starts and used in it
/// alone.
final class WatchThread {
  /// The thread's name, as `ps -T` shows it; at most 15 bytes.
  static let name = "fedbridge-udev"

  /// What ends a wait.
  private enum Wake {
    case events
    case brokenMonitor
    case listing
    case stop
  }

  /// Pauses between listings in ms: with a daemon they only mend what was lost, without one they are all there is.
  private static let mendingPause: Int32 = 60_000
  private static let searchPause: Int32 = 3_000
  /// Before a monitor that broke is replaced, in ms, so that one that breaks at once costs no processor.
  private static let repairPause: Int32 = 1_000

  private var source: UdevTTYSource
  private let stop: WakeSignal
  private let relist: WakeSignal
  private let reports: AsyncStream<SerialPortReport>.Continuation
  private var inventory = PortInventory()
  private var settling = PortSettling()
  private var daemonRan: Bool

  init(
    source: UdevTTYSource, stop: WakeSignal, relist: WakeSignal,
    reports: AsyncStream<SerialPortReport>.Continuation
  ) {
    self.source = source
    self.stop = stop
    self.relist = relist
    self.reports = reports
    daemonRan = UdevTTYSource.daemonRuns
  }

  /// Hands this object to a new detached thread.
  func start() throws(SerialWatchError) {
    var thread = pthread_t()
    let handle = Unmanaged.passRetained(self)
    let result = pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<WatchThread>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, handle.toOpaque())
    guard result == 0 else {
      handle.release()
      throw SerialWatchError(call: "pthread_create", errno: result)
    }
    // Before it is let go of: whoever looks for it after this finds it under its name.
    pthread_setname_np(thread, Self.name)
    pthread_detach(thread)
  }

  private func run() {
    // Signals are for the threads that handle them.
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    defer { reports.finish() }
    do throws(SerialWatchError) {
      try list()
      reports.yield(.listed(count: inventory.ports.count, hotPlug: daemonRan))
      try watch()
    } catch {
      reports.yield(.failed(error))
    }
  }

  private func watch() throws(SerialWatchError) {
    while true {
      let pause = daemonRan && !settling.isWaiting ? Self.mendingPause : Self.searchPause
      switch try wait(pause, forEvents: true) {
      case .stop: return
      case .events where try drain(): continue
      case .listing: try lookAround()
      case .events, .brokenMonitor:
        if case .stop = try wait(Self.repairPause, forEvents: false) { return }
        try renew()
      }
    }
  }

  /// Waits until there is something to do; a wait that times out is for a listing.
  private func wait(_ pause: Int32, forEvents: Bool) throws(SerialWatchError) -> Wake {
    while true {
      var set = [
        pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: forEvents ? relist.descriptor : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: forEvents ? source.descriptor : -1, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&set, nfds_t(set.count), pause) >= 0 else {
        if errno == EINTR { continue }
        throw SerialWatchError(call: "poll", errno: errno)
      }
      if set[0].revents != 0 { return .stop }
      if set[2].revents & Int16(POLLNVAL | POLLHUP) != 0 { return .brokenMonitor }
      // Before a listing that was asked for: what waits is older.
      if set[2].revents != 0 { return .events }
      relist.clear()
      return .listing
    }
  }

  /// Tells what waits. False: the monitor is broken.
  private func drain() throws(SerialWatchError) -> Bool {
    while true {
      switch source.read() {
      case .seen(let port): tell(inventory.announced(port))
      case .lost(let devicePath): tell(inventory.lost(devicePath: devicePath))
      case .empty: return true
      case .overflowed:
        // What still waits is older than what was dropped: a removal among it could undo the listing.
        source.discardWaiting()
        try list()
        reports.yield(.relisted)
      case .failed: return false
      }
    }
  }

  /// Lists again, and begins to hear a daemon that was not there before.
  private func lookAround() throws(SerialWatchError) {
    let runs = UdevTTYSource.daemonRuns
    if runs && !daemonRan {
      try renew()
    } else {
      try list()
    }
    if runs != daemonRan {
      daemonRan = runs
      reports.yield(.hotPlug(runs))
    }
  }

  /// Opens another monitor, and lists what it may have missed.
  private func renew() throws(SerialWatchError) {
    source = try UdevTTYSource()
    try list()
    reports.yield(.relisted)
  }

  private func list() throws(SerialWatchError) {
    let known = Set(inventory.ports.map(\.plugging))
    tell(inventory.listed(settling.admit(try source.list(), known: known, now: Self.now)))
  }

  /// In µs, since any moment.
  private static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
  }

  private func tell(_ events: [PortEvent]) {
    for event in events { reports.yield(.port(event)) }
  }
}
