import SerialDevices

/// When to open which serial port, without I/O: named ports for ever, discovered ones while they are plugged in.
///
/// A port that is gone comes back in its own time and is looked for every second. One that is there and cannot
/// be opened (permission, another program) needs a person, and is tried seldom. What is wrong is said once, and
/// again only when it changes.
struct PortSchedule {
  /// What the owner is to do.
  enum Action: Equatable {
    /// Open this port; answer with `opened` or `openFailed`.
    case open(String)
    /// Tell people why a port cannot be served.
    case report(String, TTYError)
    /// Tell people that a port which could not be served is open now.
    case recovered(String)
  }

  /// Pauses in µs.
  private static let gonePause: UInt64 = 1_000_000
  private static let needsPersonPause: UInt64 = 5_000_000
  private static let closedPause: UInt64 = 500_000
  private static let refusedPause: UInt64 = 15_000_000
  /// How long a port that somebody is about to make may be missing before that is said.
  private static let awaitedPatience: UInt64 = 10_000_000
  /// How often such a port is looked for.
  private static let awaitedPause: UInt64 = 50_000

  private enum State: Equatable {
    case waiting(until: UInt64)
    case opening
    case open
  }

  private struct Port {
    var state: State
    var isNamed: Bool
    var isPluggedIn: Bool
    /// Until when it is no fault that the port is not there.
    var awaitedUntil: UInt64 = 0
    var reported: TTYError?
  }

  private var ports: [String: Port] = [:]

  /// A port is to be served whatever is plugged in.
  mutating func named(_ path: String, now: UInt64) -> [Action] {
    wanted(path, now) { $0.isNamed = true }
  }

  /// A port is about to be made, and to be served then.
  mutating func awaited(_ path: String, now: UInt64) -> [Action] {
    wanted(path, now) {
      $0.isNamed = true
      $0.awaitedUntil = now + Self.awaitedPatience
    }
  }

  /// A board was plugged in.
  mutating func pluggedIn(_ path: String, now: UInt64) -> [Action] {
    wanted(path, now) { $0.isPluggedIn = true }
  }

  private mutating func wanted(_ path: String, _ now: UInt64, _ mark: (inout Port) -> Void) -> [Action] {
    var port = ports[path] ?? Port(state: .waiting(until: now), isNamed: false, isPluggedIn: false)
    mark(&port)
    // The plug is news: whatever was wrong with the port may be over.
    if case .waiting = port.state { port.state = .waiting(until: now) }
    ports[path] = port
    return tick(now: now)
  }

  /// A board was unplugged. Its descriptor reports the hang-up by itself.
  mutating func unplugged(_ path: String) {
    ports[path]?.isPluggedIn = false
    forgetUnwanted(path)
  }

  private mutating func forgetUnwanted(_ path: String) {
    guard let port = ports[path], !port.isNamed, !port.isPluggedIn, case .waiting = port.state else { return }
    ports[path] = nil
  }

  /// A port is open.
  mutating func opened(_ path: String) -> [Action] {
    guard let port = ports[path] else { return [] }
    ports[path]?.state = .open
    ports[path]?.reported = nil
    return port.reported == nil ? [] : [.recovered(path)]
  }

  /// A port could not be opened.
  mutating func openFailed(_ path: String, _ error: TTYError, now: UInt64) -> [Action] {
    guard let port = ports[path] else { return [] }
    let pause: UInt64
    switch error {
    case .noSuchDevice where now < port.awaitedUntil:
      ports[path]?.state = .waiting(until: now + Self.awaitedPause)
      return []
    case .noSuchDevice, .vanished: pause = Self.gonePause
    case .permissionDenied, .busy, .notATerminal, .bootloader, .inputOutput, .refused:
      pause = Self.needsPersonPause
    }
    ports[path]?.state = .waiting(until: now + pause)
    ports[path]?.reported = error
    forgetUnwanted(path)
    return port.reported == error ? [] : [.report(path, error)]
  }

  /// A port that was open is closed.
  ///
  /// - Parameter refused: the gateway closed it because of what is on it.
  mutating func closed(_ path: String, refused: Bool, now: UInt64) {
    guard let port = ports[path] else { return }
    ports[path]?.state = .waiting(until: now + (refused ? Self.refusedPause : Self.closedPause))
    // A virtual board that ended is started again, as one that is reset comes back.
    if port.awaitedUntil > 0 { ports[path]?.awaitedUntil = now + Self.awaitedPatience }
    forgetUnwanted(path)
  }

  /// When ``tick(now:)`` has something to do.
  var nextDeadline: UInt64? {
    ports.values.compactMap { port in
      if case .waiting(let until) = port.state { return until }
      return nil
    }.min()
  }

  /// Opens what is due.
  mutating func tick(now: UInt64) -> [Action] {
    var actions: [Action] = []
    for (path, port) in ports.sorted(by: { $0.key < $1.key }) {
      guard case .waiting(let until) = port.state, until <= now else { continue }
      ports[path]?.state = .opening
      actions.append(.open(path))
    }
    return actions
  }
}
