import Glibc

/// The clock that everything here is timed by.
enum Clock {
  /// In µs, since any moment.
  static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
  }

  /// Rounded up, for poll(2).
  static func milliseconds(until deadline: UInt64) -> Int32 {
    let now = now
    return deadline > now ? Int32(clamping: (deadline - now + 999) / 1000) : 0
  }
}
