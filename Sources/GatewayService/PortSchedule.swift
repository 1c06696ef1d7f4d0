import SerialDevices

/// When to open which serial port, without I/O: named ports for ever, discovered ones while they are plugged in.
///
/// A port that is gone comes back in its own time and is looked for every second. One that is there and cannot
/// be opened (permission, another program) needs a person, and is tried seldom. What is wrong is said once, and
/// again when it changes or the board is plugged in anew.
///
/// A port is known by its node, because that is what is opened; what is plugged in behind it is known by its plugging,
/// so that the end of one stay never ends the next one behind the same node.
struct PortSchedule {
  /// What the owner is to do.
  enum Action: Equatable {
    /// Open this port; answer with `opened` or `openFailed`.
    case open(String)
    /// Tell people why a port cannot be served.
    case report(String, TTYError)
    /// Tell people that a port which could not be served is open now.
    case recovered(String)
    /// A port that should be plugged in is not there: look what is.
    case lookAgain
  }

  /// How the use of a port ended.
  enum Ending {
    /// A board was served on it.
    case served
    /// Nobody answered on it.
    case unanswered
    /// The gateway closed it because of what is on it.
    case refused
    /// Likewise, because another port has that board: when that one is free, this one is worth a try.
    case refusedForAnother
  }

  /// Pauses in µs.
  private static let gonePause: UInt64 = 1_000_000
  private static let needsPersonPause: UInt64 = 5_000_000
  private static let closedPause: UInt64 = 500_000
  private static let longestClosedPause: UInt64 = 15_000_000
  private static let refusedPause: UInt64 = 15_000_000
  private static let longestRefusedPause: UInt64 = 120_000_000
  /// How long a port that somebody is about to make may be missing before that is said.
  private static let awaitedPatience: UInt64 = 10_000_000
  /// How often such a port is looked for.
  private static let awaitedPause: UInt64 = 50_000
  /// What is wrong is not said twice in this time, whatever is plugged in.
  private static let newsPause: UInt64 = 3_000_000
  /// A node can be there before its permissions: how long that is no fault, and how often it is tried meanwhile.
  private static let deniedPatience: UInt64 = 1_000_000
  private static let deniedPause: UInt64 = 100_000

  private enum State: Equatable {
    case waiting(until: UInt64)
    case opening
    case open
  }

  private struct Port {
    var state: State
    var isNamed = false
    /// What is plugged in behind this node: mostly one, and two for the moment between an unplug and its report.
    var pluggings: Set<Plugging> = []
    /// Until when it is no fault that the port is not there.
    var awaitedUntil: UInt64 = 0
    /// Since when it was denied to us, without a word about it.
    var deniedSince: UInt64?
    var reported: TTYError?
    var reportedAt: UInt64 = 0
    /// Whether what was reported is to be said again, because something was plugged in.
    var isNews = false
    /// Whether it was plugged in anew while it was in use.
    var isReplugged = false
    /// Uses in a row in which no board was served.
    var unanswered = 0
    var refusals = 0
    var waitsForAnother = false
  }

  private var ports: [String: Port] = [:]
  /// Ports that another program has for a while: whatever becomes of them, they are not opened.
  private var lent: Set<String> = []

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

  /// Whether the port is served whatever is plugged in.
  func isNamed(_ path: String) -> Bool { ports[path]?.isNamed == true }

  /// A board was plugged in.
  mutating func pluggedIn(_ path: String, _ plugging: Plugging, now: UInt64) -> [Action] {
    leaveOtherNodes(plugging, path)
    return wanted(path, now) {
      $0.pluggings.insert(plugging)
      $0.isNews = true
      $0.deniedSince = nil
      $0.unanswered = 0
      $0.refusals = 0
      if case .waiting = $0.state {} else { $0.isReplugged = true }
    }
  }

  /// udev told of a board that was plugged in before: its node or its permissions may be others. A board that was
  /// refused is not tried sooner for that.
  mutating func changed(_ path: String, _ plugging: Plugging, now: UInt64) -> [Action] {
    leaveOtherNodes(plugging, path)
    guard let port = ports[path], port.pluggings.contains(plugging), port.refusals > 0 || port.unanswered > 0
    else {
      return wanted(path, now) { $0.pluggings.insert(plugging) }
    }
    return []
  }

  private mutating func leaveOtherNodes(_ plugging: Plugging, _ path: String) {
    for other in ports.keys where other != path && ports[other]?.pluggings.remove(plugging) != nil {
      forgetUnwanted(other)
    }
  }

  private mutating func wanted(_ path: String, _ now: UInt64, _ mark: (inout Port) -> Void) -> [Action] {
    var port = ports[path] ?? Port(state: .waiting(until: now))
    mark(&port)
    // The plug is news: whatever was wrong with the port may be over.
    if case .waiting = port.state { port.state = .waiting(until: now) }
    ports[path] = port
    return tick(now: now)
  }

  /// A board was unplugged, whatever its node was. Its descriptor reports the hang-up by itself.
  mutating func unplugged(_ plugging: Plugging) {
    for path in ports.keys where ports[path]?.pluggings.remove(plugging) != nil { forgetUnwanted(path) }
  }

  private mutating func forgetUnwanted(_ path: String) {
    guard let port = ports[path], !port.isNamed, port.pluggings.isEmpty, case .waiting = port.state else {
      return
    }
    ports[path] = nil
  }

  /// A port is open.
  mutating func opened(_ path: String) -> [Action] {
    guard let port = ports[path] else { return [] }
    ports[path]?.state = .open
    ports[path]?.reported = nil
    ports[path]?.isNews = false
    ports[path]?.deniedSince = nil
    ports[path]?.waitsForAnother = false
    return port.reported == nil ? [] : [.recovered(path)]
  }

  /// A port could not be opened.
  mutating func openFailed(_ path: String, _ error: TTYError, now: UInt64) -> [Action] {
    guard var port = ports[path] else { return [] }
    let isDenied = if case .permissionDenied = error { true } else { false }
    if !isDenied { port.deniedSince = nil }
    let pause: UInt64
    var actions: [Action] = []
    switch error {
    case .noSuchDevice where now < port.awaitedUntil:
      pause = Self.awaitedPause
    case .noSuchDevice, .vanished:
      pause = Self.gonePause
      // What was discovered and is not there is about to be told of, or that was lost.
      if port.isNamed { actions = [.report(path, error)] } else { actions = [.lookAgain] }
    case .permissionDenied
    where (port.reported != error || port.isNews) && now < (port.deniedSince ?? now) + Self.deniedPatience:
      port.deniedSince = port.deniedSince ?? now
      pause = Self.deniedPause
    case .busy where error.isHeldHere:
      // Open already, under another name.
      pause = Self.needsPersonPause
    case .permissionDenied, .busy, .notATerminal, .bootloader, .inputOutput, .refused:
      pause = Self.needsPersonPause
      actions = [.report(path, error)]
    }
    port.state = .waiting(until: now + pause)
    if case .report? = actions.first {
      // That nothing is there is no news of what was plugged in; and what was said a moment ago was said of this
      // plugging, as when the gateway starts.
      let isNews =
        port.isNews && error != .noSuchDevice(path: path) && now >= port.reportedAt + Self.newsPause
      if port.reported == error && !isNews {
        actions = []
      } else {
        port.reportedAt = now
      }
      port.reported = error
      port.isNews = false
    }
    ports[path] = port
    forgetUnwanted(path)
    return actions
  }

  /// A port that was open is closed, down to the last descriptor.
  mutating func closed(_ path: String, _ ending: Ending, now: UInt64) {
    guard var port = ports[path] else { return }
    let pause: UInt64
    switch ending {
    case _ where port.isReplugged:
      // What the end was about is gone.
      port.isReplugged = false
      pause = Self.closedPause
    case .served:
      port.unanswered = 0
      port.refusals = 0
      pause = Self.closedPause
    case .unanswered:
      pause = min(Self.closedPause << min(port.unanswered, 10), Self.longestClosedPause)
      port.unanswered += 1
    case .refused, .refusedForAnother:
      pause = min(Self.refusedPause << min(port.refusals, 10), Self.longestRefusedPause)
      port.refusals += 1
    }
    port.waitsForAnother = ending == .refusedForAnother && port.refusals > 0
    port.state = .waiting(until: now + pause)
    // A virtual board that ended is started again, as one that is reset comes back.
    if port.awaitedUntil > 0 { port.awaitedUntil = now + Self.awaitedPatience }
    ports[path] = port
    forgetUnwanted(path)
    guard ending == .served else { return }
    for (other, port) in ports where port.waitsForAnother {
      guard case .waiting(let until) = port.state, until > now + Self.closedPause else { continue }
      ports[other]?.state = .waiting(until: now + Self.closedPause)
    }
  }

  // MARK: Lending

  /// A port is not opened any more until it is taken back.
  mutating func lend(_ path: String) { lent.insert(path) }

  /// Whether a port is lent.
  func isLent(_ path: String) -> Bool { lent.contains(path) }

  /// A port is the gateway's again. What was wrong with it before may be over.
  mutating func takeBack(_ path: String, now: UInt64) -> [Action] {
    guard lent.remove(path) != nil, var port = ports[path] else { return [] }
    port.unanswered = 0
    port.refusals = 0
    if case .waiting = port.state { port.state = .waiting(until: now) }
    ports[path] = port
    forgetUnwanted(path)
    return tick(now: now)
  }

  /// Whether a port is known here.
  func isKnown(_ path: String) -> Bool { ports[path] != nil }

  /// Whether a descriptor of a port is open, or about to be.
  func isInUse(_ path: String) -> Bool {
    switch ports[path]?.state {
    case .opening, .open: true
    case .waiting, nil: false
    }
  }

  // MARK: Time

  /// When ``tick(now:)`` has something to do.
  var nextDeadline: UInt64? {
    ports.compactMap { path, port in
      if case .waiting(let until) = port.state, !lent.contains(path) { return until }
      return nil
    }.min()
  }

  /// Opens what is due.
  mutating func tick(now: UInt64) -> [Action] {
    var actions: [Action] = []
    for (path, port) in ports.sorted(by: { $0.key < $1.key }) where !lent.contains(path) {
      guard case .waiting(let until) = port.state, until <= now else { continue }
      ports[path]?.state = .opening
      actions.append(.open(path))
    }
    return actions
  }
}
