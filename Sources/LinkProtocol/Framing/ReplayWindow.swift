/// Remembers which of the last 32 sequence numbers came in, so that a frame that a carrier delivers twice is
/// taken once, and counts the numbers that never came (RFC 4303 §3.4.3 describes such a window).
struct ReplayWindow {
  /// The highest number that came in; 0 before any.
  private(set) var highest: UInt16 = 0
  private var seen: UInt32 = 0
  private var started = false

  /// Numbers skipped since the first one, which may be any: frames lost on the way, or out of order.
  private(set) var gaps: UInt32 = 0

  /// Whether `sequence` is new; notes it.
  mutating func accept(_ sequence: UInt16) -> Bool {
    guard started else {
      started = true
      highest = sequence
      seen = 1
      return true
    }
    let ahead = Int(Int16(bitPattern: sequence &- highest))
    if ahead > 0 {
      gaps &+= UInt32(ahead - 1)
      seen = ahead < 32 ? seen << UInt32(ahead) | 1 : 1
      highest = sequence
      return true
    }
    // Older than the window: nothing is known of it, and nothing that old is worth having.
    guard ahead > -32 else { return false }
    let bit = UInt32(1) << UInt32(-ahead)
    guard seen & bit == 0 else { return false }
    seen |= bit
    if gaps > 0 { gaps -= 1 }
    return true
  }
}
