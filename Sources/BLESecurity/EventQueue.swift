/// Events that wait to be taken: at most three come of one call, so that none is lost if they are taken after each.
struct EventQueue: Sendable {
  private var first: SecurityEvent?
  private var second: SecurityEvent?
  private var third: SecurityEvent?
  private var fourth: SecurityEvent?

  /// Appends one; the oldest goes if four wait.
  mutating func append(_ event: SecurityEvent) {
    if first == nil {
      first = event
    } else if second == nil {
      second = event
    } else if third == nil {
      third = event
    } else {
      if fourth != nil { _ = take() }
      if third == nil { third = event } else { fourth = event }
    }
  }

  /// Takes the oldest.
  mutating func take() -> SecurityEvent? {
    let taken = first
    first = second
    second = third
    third = fourth
    fourth = nil
    return taken
  }
}
