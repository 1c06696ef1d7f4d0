/// Opening a session, for either role.
///
/// What is asked of it is not inlined: each question takes a copy of the greeting or welcome on the stack, and
/// callers that ask several would hold them all at once. A board's stack is small.
enum Handshake {
  case gateway(GatewayHandshake)
  case board(BoardHandshake)

  /// Whether a session is open.
  var isEstablished: Bool {
    @inline(never) get {
      switch self {
      case .gateway(let gateway): return gateway.isEstablished
      case .board(let board): return board.isEstablished
      }
    }
  }

  /// The tag of the session that is open, or being opened.
  var tag: UInt16 {
    @inline(never) get {
      switch self {
      case .gateway(let gateway): return gateway.tag
      case .board(let board): return board.tag
      }
    }
  }

  /// When a greeting has to be sent again.
  var nextDeadline: Timestamp? {
    @inline(never) get {
      switch self {
      case .gateway(let gateway): return gateway.nextDeadline
      case .board: return nil
      }
    }
  }

  /// The session is over; a gateway greets anew.
  @inline(never)
  mutating func sessionEnded(now: Timestamp) {
    switch self {
    case .gateway(var gateway):
      gateway.sessionEnded(now: now)
      self = .gateway(gateway)
    case .board(var board):
      board.sessionEnded()
      self = .board(board)
    }
  }

  /// The session is over because this side closed it; nobody greets.
  @inline(never)
  mutating func farewellSent() {
    switch self {
    case .gateway(var gateway):
      gateway.farewellSent()
      self = .gateway(gateway)
    case .board(var board):
      board.sessionEnded()
      self = .board(board)
    }
  }
}

/// The gateway's half: greets until it is answered, first quickly, then seldom.
struct GatewayHandshake {
  private enum State {
    case greeting(attempt: Int, due: Timestamp)
    case established(boot: UInt32)
    case refused
    case closed
  }

  /// Pauses between greetings in ms: a board that is there answers the first; one that boots answers soon; a
  /// port on which nobody speaks the protocol is not pestered.
  private static let pauses: InlineArray<6, UInt64> = [200, 300, 500, 1000, 2000, 5000]

  private var greeting: Greeting
  private var state: State

  init(_ greeting: Greeting, now: Timestamp) {
    self.greeting = greeting
    state = .greeting(attempt: 0, due: now)
  }

  var tag: UInt16 { UInt16(truncatingIfNeeded: greeting.session) }

  var isEstablished: Bool {
    if case .established = state { return true }
    return false
  }

  var nextDeadline: Timestamp? {
    if case .greeting(_, let due) = state { return due }
    return nil
  }

  /// The greeting, if it is time to say it.
  mutating func greetingToSend(now: Timestamp) -> Greeting? {
    guard case .greeting(let attempt, let due) = state, due <= now else { return nil }
    let pause = Self.pauses[min(attempt, 5)]
    state = .greeting(attempt: attempt + 1, due: now + .milliseconds(pause))
    return greeting
  }

  enum WelcomeOutcome {
    case established
    /// It answers another greeting than the last one.
    case stale
    /// It answers a greeting that was said more than once, and answered before.
    case repeated
    /// Likewise, but by a board that was reset in between: it knows nothing of what was said since.
    case boardReset
    /// It chose a version that was not proposed.
    case violation
  }

  mutating func welcomed(_ welcome: Welcome) -> WelcomeOutcome {
    guard welcome.session == greeting.session else { return .stale }
    switch state {
    case .refused, .closed:
      return .stale
    case .established(let boot):
      return welcome.boot == boot ? .repeated : .boardReset
    case .greeting:
      guard welcome.version >= greeting.minimumVersion, welcome.version <= greeting.maximumVersion else {
        return .violation
      }
      state = .established(boot: welcome.boot)
      return .established
    }
  }

  /// Whether the refusal answers the last greeting. There is no point in greeting again.
  mutating func refused(_ tag: UInt16) -> Bool {
    guard case .greeting = state, tag == self.tag else { return false }
    state = .refused
    return true
  }

  mutating func sessionEnded(now: Timestamp) {
    // Another number, so that frames of the old session are not taken for frames of the new one. An odd step
    // visits every tag before one comes again.
    greeting.session = greeting.session &+ 0x9e37_79b9
    state = .greeting(attempt: 0, due: now)
  }

  mutating func farewellSent() {
    state = .closed
  }
}

/// The board's half: answers greetings.
struct BoardHandshake {
  private enum State {
    case idle
    case established(Greeting)
  }

  enum Reply {
    case welcome(Welcome)
    case refusal(Refusal, session: UInt16)
  }

  private var welcome: Welcome
  private var state = State.idle
  private var reply: Reply?

  init(_ welcome: Welcome) {
    self.welcome = welcome
  }

  var tag: UInt16 {
    if case .established(let greeting) = state { return UInt16(truncatingIfNeeded: greeting.session) }
    return 0
  }

  var isEstablished: Bool {
    if case .established = state { return true }
    return false
  }

  enum GreetingOutcome {
    case opened
    case repeated
    case noCommonVersion
  }

  mutating func greeted(_ greeting: Greeting) -> GreetingOutcome {
    let version = min(greeting.maximumVersion, ProtocolVersion.newest)
    guard version >= greeting.minimumVersion, version >= ProtocolVersion.oldest else {
      reply = .refusal(
        Refusal(minimumVersion: ProtocolVersion.oldest, maximumVersion: ProtocolVersion.newest),
        session: UInt16(truncatingIfNeeded: greeting.session))
      return .noCommonVersion
    }
    welcome.version = version
    welcome.session = greeting.session
    reply = .welcome(welcome)
    if case .established(let current) = state, current.session == greeting.session { return .repeated }
    state = .established(greeting)
    return .opened
  }

  mutating func takeReply() -> Reply? {
    defer { reply = nil }
    return reply
  }

  /// What the next welcome says about the model held.
  mutating func updateWelcome(_ change: (inout Welcome) -> Void) {
    change(&welcome)
  }

  mutating func sessionEnded() {
    state = .idle
  }
}
