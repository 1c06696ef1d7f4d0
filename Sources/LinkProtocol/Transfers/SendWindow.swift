/// Bytes of all outgoing transfers that may be under way at once, learnt from how they fare.
///
/// Credits say what the receiver can take, not what the carrier can: a host queues far more than a radio moves
/// in a second, and everything that is said later waits behind it. So the window follows the carrier's
/// bandwidth-delay product, found from delays as TCP Vegas (Brakmo & Peterson, IEEE JSAC 13(8), 1995) and BBR
/// (Cardwell et al., ACM Queue 14(5), 2016) find it.
///
/// A radio acknowledges in bursts, at its connection events, and some chunks find the next event sooner than
/// others; the shortest single round trip says nothing about it. So means over *rounds* of a few windows are
/// compared. With D bytes that arrived, T the time in which something was under way, and A the bytes under way
/// summed up over that time, the rate is D / T and, by Little's law, the mean round trip A / D. The shortest mean
/// round trip is that without a queue; the rate times that is the product; the window is 3/2 of it and one
/// chunk, as the receiver acknowledges every second one.
///
/// A queue that was there from the beginning hides the shortest round trip. So it is searched for from time to
/// time: the window is halved until less arrives.
struct SendWindow {
  /// Before anything was measured: what a board credits.
  static let initial = 4_096
  /// What has nothing to queue behind it for less than this is no queue: a scheduler's tick, a board's slice of
  /// work, and the polls of USB at both ends.
  static let tolerance: UInt64 = .milliseconds(10)
  /// A mean round trip above this one is searched for a queue at once.
  static let patience: UInt64 = .milliseconds(300)
  /// Rounds between two searches.
  static let roundsBetweenSearches = 8

  private enum Phase {
    /// The window doubles, as nothing has queued yet.
    case starting
    case cruising(rounds: Int)
    /// The round trip at the full rate, which is `bytes` in `time`, is looked for.
    case searching(bytes: UInt64, time: UInt64)
  }

  private var phase = Phase.starting
  /// What there is to be under way.
  private var limit = initial
  /// Whether more is under way than a search begun allows; what is measured until then is that of the queue.
  private var isDraining = false
  /// Bytes under way since `since`.
  private var inFlight = 0
  private var since = Timestamp(microseconds: 0)
  /// D, T and A of this round, in bytes and µs. They wrap rather than trap: a window that is wrong mends itself.
  private var arrived: UInt64 = 0
  private var busy: UInt64 = 0
  private var area: UInt64 = 0
  /// The shortest mean round trip in µs; 0 before the first.
  private var best: UInt64 = 0
  private var longestChunk = 0

  /// Whether a chunk of `length` bytes may be sent for all that is under way. Two always may.
  func hasRoom(for length: Int, inFlight: Int) -> Bool {
    inFlight + length <= max(limit, 2 * length)
  }

  /// A chunk of `length` bytes was sent; with it `inFlight` bytes are under way.
  mutating func sent(_ length: Int, inFlight: Int, now: Timestamp) {
    longestChunk = max(longestChunk, length)
    pass(to: now, inFlight)
  }

  /// The receiver acknowledged `bytes` more; `inFlight` are still under way.
  mutating func acknowledged(_ bytes: Int, inFlight: Int, now: Timestamp) {
    pass(to: now, inFlight)
    arrived += UInt64(bytes)
    if isDraining, inFlight <= max(limit, 2 * longestChunk) {
      isDraining = false
      beginRound()
    }
    guard !isDraining, arrived >= UInt64(roundLength) else { return }
    endRound()
    beginRound()
  }

  private mutating func pass(to now: Timestamp, _ inFlight: Int) {
    if self.inFlight > 0 {
      busy &+= now - since
      area &+= UInt64(self.inFlight) &* (now - since)
    }
    since = now
    self.inFlight = inFlight
  }

  private mutating func beginRound() {
    (arrived, busy, area) = (0, 0, 0)
  }

  private var roundLength: Int {
    let window = max(limit, 2 * longestChunk)
    if case .starting = phase { return window }
    return 2 * window
  }

  private mutating func endRound() {
    let roundTrip = max(area / max(arrived, 1), 1)
    switch phase {
    case .starting:
      best = best == 0 ? roundTrip : min(best, roundTrip)
      if roundTrip / 3 > best / 2 || roundTrip > Self.patience {
        phase = .cruising(rounds: roundTrip > Self.patience ? Self.roundsBetweenSearches : 0)
        cruise(roundTrip)
      } else {
        limit = max(limit, window(arrived, busy, halves: 4))
      }
    case .cruising:
      cruise(roundTrip)
    case .searching(let bytes, let time):
      best = min(best, roundTrip)
      // Seven eighths of the rate are still the whole rate.
      if limit > 2 * longestChunk, roundTrip > Self.tolerance, 8 &* arrived &* time >= 7 &* bytes &* busy {
        limit /= 2
        isDraining = true
      } else {
        best = roundTrip
        limit = window(bytes, time, halves: 3)
        phase = .cruising(rounds: 0)
      }
    }
  }

  private mutating func cruise(_ roundTrip: UInt64) {
    guard case .cruising(let rounds) = phase else { return }
    best = min(best, roundTrip)
    // Where credits or the end of the objects leave half of the window unused it is not the window that queues.
    let used = Int(min(UInt64(limit), area / max(busy, 1)))
    if rounds >= Self.roundsBetweenSearches, best > Self.tolerance, 2 * used >= limit {
      phase = .searching(bytes: arrived, time: max(busy, 1))
      limit = used / 2
      isDraining = true
      return
    }
    phase = .cruising(rounds: rounds + 1)
    let window = window(arrived, busy, halves: 3)
    // No less than before while nothing queues: the objects may have been too short to fill it.
    if window > limit || roundTrip / 3 > max(best, Self.tolerance) / 2 { limit = window }
  }

  /// So many halves of what the shortest round trip delivers at this rate, and a chunk.
  private func window(_ bytes: UInt64, _ time: UInt64, halves: UInt64) -> Int {
    let halfDelay = max(best, Self.tolerance) &* halves
    return Int(min(bytes &* halfDelay / (2 &* max(time, 1)), 1 << 24)) + longestChunk
  }
}
