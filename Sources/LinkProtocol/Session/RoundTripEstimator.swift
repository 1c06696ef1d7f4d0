/// Smoothed round-trip time and retransmission time-out after RFC 6298, in microseconds.
///
/// A time-out that was doubled stays so until something was measured (§5.7): on a link slower than the time-out
/// no control message would ever be measured otherwise, and every one would be sent twice for ever. Receivers
/// of chunks repeat themselves while they wait; that shows that the link is alive and only lost something.
struct RoundTripEstimator {
  /// Bounds of the time-out. The lower one covers a scheduler tick and a USB poll on both ends; the upper one
  /// keeps a link that was only paused from staying unused for long.
  static let minimumTimeout: UInt64 = .milliseconds(30)
  static let maximumTimeout: UInt64 = .seconds(2)
  /// Until something was measured: slow enough for a board that is just starting up.
  static let initialTimeout: UInt64 = .milliseconds(250)

  /// Smoothed round-trip time; 0 until something was measured.
  private(set) var smoothed: UInt64 = 0
  private var variation: UInt64 = 0
  private var backoff: UInt64 = 0

  /// Something was answered after `sample`. A control message that was sent again is no sample, as nobody knows
  /// which copy was answered (Karn & Partridge, SIGCOMM 1987); of a chunk the frame number tells.
  mutating func measured(_ sample: UInt64) {
    if smoothed == 0 {
      smoothed = max(sample, 1)
      variation = sample / 2
    } else {
      let difference = sample > smoothed ? sample - smoothed : smoothed - sample
      variation = (3 * variation + difference) / 4
      smoothed = max((7 * smoothed + sample) / 8, 1)
    }
    backoff = 0
  }

  /// The time-out ran out: wait twice as long next time.
  mutating func timedOut() {
    backoff = min(backoff + 1, 6)
  }

  /// The receiver of a transfer said what it has: whatever is missing was lost, not delayed.
  mutating func heardFromReceiver() {
    backoff = 0
  }

  /// How long to wait for an answer before sending again.
  var timeout: UInt64 {
    let base = smoothed == 0 ? Self.initialTimeout : smoothed + 4 * variation
    return min(max(base, Self.minimumTimeout) << backoff, Self.maximumTimeout)
  }
}
