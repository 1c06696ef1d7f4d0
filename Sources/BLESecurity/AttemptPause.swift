import LinkProtocol

/// The pause after a failed pairing, which makes guessing slow (Core specification, Vol 3 Part H §2.3.6).
///
/// It doubles with every failure, from 1 s to 64 s, and holds for all centrals: an address costs an attacker nothing.
/// A success, or four minutes without a failure, brings it back to its start.
struct AttemptPause: Sendable {
  private static let shortest = UInt64.seconds(1)
  private static let longest = UInt64.seconds(64)
  private static let forgetting = UInt64.seconds(240)

  private var length: UInt64 = 0
  private var failed = Timestamp(microseconds: 0)

  /// Whether it is too soon for another attempt.
  func isHolding(at now: Timestamp) -> Bool {
    length > 0 && now - failed < length
  }

  mutating func attemptFailed(now: Timestamp) {
    if length == 0 || now - failed >= Self.forgetting {
      length = Self.shortest
    } else {
      length = min(length * 2, Self.longest)
    }
    failed = now
  }

  mutating func attemptSucceeded() {
    length = 0
  }
}
