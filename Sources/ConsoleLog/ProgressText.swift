/// Quantities in words for log lines and status lines. Every function has an answer for every argument; what is not
/// known (NaN, infinite or negative) is a dash.
public enum ProgressText {
  private static let unknown = "–"

  /// `65,412 B` below a million, then `1.2 MB` (decimal units, cut and not rounded, so that nothing looks complete
  /// too early).
  public static func bytes(_ count: Int) -> String {
    guard count >= 0 else { return unknown }
    if count < 1_000_000 { return grouped(count) + " B" }
    var (unit, scale) = (0, 1_000_000)
    let units = ["MB", "GB", "TB", "PB", "EB"]
    while unit + 1 < units.count && count / scale >= 1000 {
      unit += 1
      scale *= 1000
    }
    return "\(count / scale).\(count / (scale / 10) % 10) \(units[unit])"
  }

  /// `950 B/s`, `81 kB/s`, `1.2 MB/s`.
  public static func rate(bytesPerSecond: Double) -> String {
    guard bytesPerSecond.isFinite, bytesPerSecond >= 0 else { return unknown }
    var value = bytesPerSecond
    for unit in ["B", "kB", "MB", "GB"] {
      // Compared as it will be shown, so that 999.7 does not become "1000 B/s".
      if value < 999.5 { return "\(short(value, exact: unit == "B")) \(unit)/s" }
      value /= 1000
    }
    return value < 1e6 ? "\(short(value, exact: false)) TB/s" : unknown
  }

  /// `42 ms`, `0.11 s`, `7.3 s`, `48 s`, `2 min 5 s`, `3 h 12 min`, `5 d 4 h`.
  public static func duration(seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return unknown }
    if seconds < 0.0995 { return "\(rounded(seconds * 1000)) ms" }
    if seconds < 0.995 { return "\(fixed(seconds, decimals: 2)) s" }
    if seconds < 9.95 { return "\(fixed(seconds, decimals: 1)) s" }
    // A thousand years.
    guard seconds < 3.2e10 else { return unknown }
    let whole = rounded(seconds)
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    if whole < 86_400 { return "\(whole / 3600) h \(whole / 60 % 60) min" }
    return "\(whole / 86_400) d \(whole / 3600 % 24) h"
  }

  /// The time that `remaining` bytes take at a rate; a dash while nothing moves.
  public static func eta(remaining: Int, bytesPerSecond: Double) -> String {
    if remaining <= 0 { return duration(seconds: 0) }
    return bytesPerSecond > 0 ? duration(seconds: Double(remaining) / bytesPerSecond) : unknown
  }

  /// `25 %`, from 0 to 100 and cut: 100 means all of it. Nothing of nothing is all of it.
  public static func percent(_ part: Int, of whole: Int) -> String {
    guard whole > 0 else { return "100 %" }
    let part = min(max(part, 0), whole)
    return "\(whole.dividingFullWidth(part.multipliedFullWidth(by: 100)).quotient) %"
  }

  /// `█████░░░░░`: `fraction` (0…1, clamped) of `width` columns (0…200, clamped). Full only when it is all.
  public static func bar(fraction: Double, width: Int) -> String {
    let width = min(max(width, 0), 200)
    let fraction = fraction >= 0 ? min(fraction, 1) : 0
    let full = Int(fraction * Double(width))
    return String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
  }

  /// Two digits where there is one before the point, else none: `1.2`, `81`.
  private static func short(_ value: Double, exact: Bool) -> String {
    exact || value >= 9.95 ? String(rounded(value)) : fixed(value, decimals: 1)
  }

  /// For 0…3.2e10.
  private static func rounded(_ value: Double) -> Int { Int(value.rounded()) }

  /// For 0…10 and one or two decimals.
  private static func fixed(_ value: Double, decimals: Int) -> String {
    let scale = decimals == 1 ? 10 : 100
    let scaled = rounded(value * Double(scale))
    let rest = String(scaled % scale)
    return "\(scaled / scale)." + String(repeating: "0", count: decimals - rest.count) + rest
  }

  /// With a comma before every three digits.
  private static func grouped(_ count: Int) -> String {
    let digits = Array(String(count))
    return digits.indices.reduce(into: "") { text, index in
      if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
      text.append(digits[index])
    }
  }
}
