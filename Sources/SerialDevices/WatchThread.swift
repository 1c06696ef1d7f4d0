import CUdev
import Glibc

/// An eventfd(2) that, once raised, stays readable: what a thread in poll(2) waits on besides its work, because
/// closing a descriptor elsewhere does not wake it.
final class StopSignal: Sendable {
  let descriptor: Int32

  init() throws(SerialWatchError) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw SerialWatchError(call: "eventfd", errno: errno) }
  }

  deinit { close(descriptor) }

  func raise() { eventfd_write(descriptor, 1) }
}

/// The thread that waits for libudev. Everything that is not `Sendable` is made before it starts and used in it
/// alone.
final class WatchThread {
  /// The thread's name, as `ps -T` shows it; at most 15 bytes.
  static let name = "fedbridge-udev"

  private let source: UdevTTYSource
  private let stop: StopSignal
  private let reports: AsyncStream<SerialPortReport>.Continuation
  private var inventory = PortInventory()

  init(source: UdevTTYSource, stop: StopSignal, reports: AsyncStream<SerialPortReport>.Continuation) {
    self.source = source
    self.stop = stop
    self.reports = reports
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
    pthread_detach(thread)
  }

  private func run() {
    // Signals are for the threads that handle them.
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    cudev_name_this_thread(Self.name)
    defer { reports.finish() }
    do throws(SerialWatchError) {
      tell(inventory.listed(try source.list()))
      reports.yield(.listed(count: inventory.ports.count, hotPlug: source.daemonRuns))
      while try wait() { try drain() }
    } catch {
      reports.yield(.failed(error))
    }
  }

  /// Waits for the monitor. False: the watch was stopped.
  private func wait() throws(SerialWatchError) -> Bool {
    while true {
      var set = [
        pollfd(fd: source.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&set, nfds_t(set.count), -1) >= 0 else {
        if errno == EINTR { continue }
        throw SerialWatchError(call: "poll", errno: errno)
      }
      if set[1].revents != 0 { return false }
      if set[0].revents & Int16(POLLNVAL | POLLHUP) != 0 {
        throw SerialWatchError(call: "poll", errno: EBADF)
      }
      if set[0].revents != 0 { return true }
    }
  }

  private func drain() throws(SerialWatchError) {
    while true {
      switch source.read() {
      case .seen(let port): tell(inventory.seen(port))
      case .lost(let devicePath): tell(inventory.lost(devicePath: devicePath))
      case .empty: return
      case .overflowed:
        // What still waits is older than what was dropped: a removal among it could undo the listing.
        source.discardWaiting()
        tell(inventory.listed(try source.list()))
        reports.yield(.relisted)
      case .failed(let reason): throw SerialWatchError(call: "udev_monitor_receive_device", errno: reason)
      }
    }
  }

  private func tell(_ events: [PortEvent]) {
    for event in events { reports.yield(.port(event)) }
  }
}
