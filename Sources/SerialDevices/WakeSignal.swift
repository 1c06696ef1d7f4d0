import CUdev
import Glibc

/// An eventfd(2) that a thread in poll(2) waits on besides its work, because closing a descriptor elsewhere does not
/// wake it.
final class WakeSignal: Sendable {
  let descriptor: Int32

  init() throws(SerialWatchError) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw SerialWatchError(call: "eventfd", errno: errno) }
  }

  deinit { close(descriptor) }

  /// Makes the descriptor readable until ``clear()``.
  func raise() { eventfd_write(descriptor, 1) }

  /// Waits for the next ``raise()``.
  func clear() {
    var count: eventfd_t = 0
    eventfd_read(descriptor, &count)
  }
}
