import Glibc

/// A moment of the calendar, to the millisecond.
struct WallTime: Sendable {
  /// Whole seconds since 1970-01-01T00:00:00Z, without leap seconds.
  var seconds: Int
  /// 0…999.
  var milliseconds: Int

  /// The system's time.
  static func now() -> WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
  }

  /// `2026-11-22T13:52:07.123Z`, RFC 3339. Years before 0 or after 9999 have no form there and are clamped.
  var rfc3339: String {
    let clamped = min(max(seconds, -62_167_219_200), 253_402_300_799)
    let days = Self.floor(clamped, by: 86_400)
    let second = clamped - days * 86_400
    let (year, month, day) = Self.civil(days)
    return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) + "T" + clock(second) + "Z"
  }

  /// `14:52:07.123`, the wall clock of the machine's time zone.
  var localClock: String {
    var time = time_t(seconds)
    var parts = tm()
    // Nil only for years beyond an Int32.
    guard localtime_r(&time, &parts) != nil else { return clock(0) }
    return clock(Int(parts.tm_hour) * 3600 + Int(parts.tm_min) * 60 + Int(parts.tm_sec))
  }

  private func clock(_ second: Int) -> String {
    pad(second / 3600, 2) + ":" + pad(second / 60 % 60, 2) + ":" + pad(second % 60, 2) + "."
      + pad(milliseconds, 3)
  }

  private func pad(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// The Gregorian date of a day counted from 1970-01-01.
  ///
  /// Years begin in March here, so that the leap day is the last of one, and 400 of them have 146,097 days (Howard
  /// Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = floor(shifted, by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  private static func floor(_ dividend: Int, by divisor: Int) -> Int {
    dividend / divisor - (dividend % divisor < 0 ? 1 : 0)
  }
}

/// Milliseconds of a clock that never jumps; only differences mean something.
func steadyMilliseconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}
