import LinkProtocol

/// Lines for the gateway's log, each kept until a gateway has it: a session that ends takes with it what was not
/// acknowledged. Whether the last ones arrived nobody knows then, so they may be told twice.
struct LogOutbox: Sendable {
  private static var capacity: Int { 6 }

  private var lines: InlineArray<6, LogLine?> = .init(repeating: nil)
  private var count = 0
  /// How many of them, from the first on, the session has.
  private var handedOver = 0

  /// Keeps a line; false if there is no room.
  mutating func add(_ line: LogLine) -> Bool {
    guard count < Self.capacity else { return false }
    lines[count] = line
    count += 1
    return true
  }

  /// The next one for the session.
  var next: LogLine? { handedOver < count ? lines[handedOver] : nil }

  /// The session has taken ``next``.
  mutating func handOver() { handedOver += 1 }

  /// The gateway has all that the session had.
  mutating func noteDelivery() {
    guard handedOver > 0 else { return }
    for i in 0..<count { lines[i] = i + handedOver < count ? lines[i + handedOver] : nil }
    count -= handedOver
    handedOver = 0
  }

  /// The session is over.
  mutating func startAgain() { handedOver = 0 }
}
