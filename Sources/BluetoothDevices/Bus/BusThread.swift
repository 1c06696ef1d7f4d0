import CSystemd
import Glibc
import Synchronization

/// A thread that runs an actor and waits for the actor's descriptor: sd-bus may be used by one thread only.
///
/// The thread lives until ``stop()``; what is enqueued afterwards never runs.
final class BusThread: SerialExecutor {
  /// The thread's name, as `ps -T` shows it; at most 15 bytes.
  static let name = "fedbridge-dbus"

  /// What the actor's descriptor is to be waited for.
  struct Wait {
    /// The descriptor; -1 if there is none.
    var descriptor: Int32 = -1
    /// Events of poll(2).
    var events: Int16 = 0
    /// Milliseconds until the actor wants its turn anyway; -1 for never.
    var timeout: Int32 = -1
  }

  private struct State {
    var jobs: [UnownedJob] = []
    var turn: (@Sendable () -> Wait)?
    var isStopped = false
    var thread: pthread_t?
  }

  private let state = Mutex(State())
  private let wake: Int32

  init() throws(BlueZError) {
    wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wake >= 0 else { throw .noThread(errno: errno) }
    var thread = pthread_t()
    let handle = Unmanaged.passRetained(self)
    let result = pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<BusThread>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, handle.toOpaque())
    guard result == 0 else {
      handle.release()
      throw .noThread(errno: result)
    }
    pthread_detach(thread)
  }

  deinit { close(wake) }

  /// `turn` is called on the thread whenever something happened, and says what to wait for next.
  func serve(_ turn: @escaping @Sendable () -> Wait) {
    state.withLock { $0.turn = turn }
    eventfd_write(wake, 1)
  }

  /// Lets the thread end.
  func stop() {
    state.withLock { $0.isStopped = true }
    eventfd_write(wake, 1)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
    eventfd_write(wake, 1)
  }

  func checkIsolated() {
    let thread = state.withLock { $0.thread }
    precondition(thread == pthread_self(), "not on the thread of the bus")
  }

  private func run() {
    // Signals are for the threads that handle them.
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    csystemd_name_this_thread(Self.name)
    state.withLock { $0.thread = pthread_self() }
    while true {
      let (jobs, turn, isStopped) = state.withLock { state in
        defer { state.jobs = [] }
        return (state.jobs, state.turn, state.isStopped)
      }
      for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
      if isStopped { return }
      let wait = turn?() ?? Wait()
      var set = [
        pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        pollfd(fd: wait.descriptor, events: wait.events, revents: 0),
      ]
      poll(&set, nfds_t(set.count), wait.timeout)
      var count: eventfd_t = 0
      if set[0].revents != 0 { eventfd_read(wake, &count) }
    }
  }
}
