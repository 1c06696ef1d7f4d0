import Bytes
import Digests
import FederationSimulation
import Gateway
import LinkProtocol
import Rounds
import UpdateCodec

/// An engine, and boards on links that hold a session and nothing more.
final class GatewayBench {
  let engine: GatewayEngine
  private var sessions: [LinkID: Board] = [:]
  private(set) var notices: [GatewayNotice] = []
  /// How many boards the round had, whenever that changed after the first came.
  private(set) var connected: [Int] = []
  /// Whether the store was asked for a secret, for each board looked up.
  private(set) var wanted: [Bool] = []
  private(set) var closed: [LinkID: LinkRefusal] = [:]
  private(set) var toIdentify: [(link: LinkID, board: BoardID, wantsSecret: Bool)] = []
  /// What boards were told, by link.
  private(set) var said: [LinkID: [ControlMessage]] = [:]
  /// What was offered to boards, by link.
  private(set) var offered: [LinkID: [ObjectOffer]] = [:]
  /// The secret that the store has for every board.
  var secret: [UInt8]?
  /// Whether boards are looked up only when ``identify()`` is called.
  var identifiesLater = false
  var now = Timestamp(microseconds: 1)

  /// A board that holds a session and nothing more.
  private final class Board {
    var session: LinkSession
    var objects = NoObjects()
    init(_ id: UInt64, _ capabilities: Capabilities, _ codings: CodingSet) {
      var welcome = Welcome(
        board: id, maximumFrame: 1040, capabilities: capabilities, firmware: ShortText("0"),
        hardware: ShortText("test"), boot: 1, examples: 1, maximumParameters: 1)
      welcome.codings = codings.rawValue
      session = .board(welcome, limits: LinkLimits(maximumFrame: 1040, window: 1024))
    }
  }

  /// - Parameters:
  ///   - contributed: boards whose contributions to the open round are stored.
  ///   - reconnectGrace: how long a round waits for a board that is lost.
  init(contributed: [BoardID] = [], reconnectGrace: Duration = .seconds(5)) throws {
    let experiment = try Experiment(boards: contributed.count + 1, rounds: 1, coding: .float32)
    let first = RoundAggregation.snapshot(
      of: experiment.model, version: 0, parameters: experiment.start)
    let version = ModelVersion(number: 0, hash: SHA256.hash(of: first.snapshot.span))
    var settings = experiment.settings
    settings.policy = try RoundPolicy(
      minimumBoards: contributed.count + 1, roundDeadline: .seconds(120), boardDeadline: .seconds(20),
      reconnectGrace: reconnectGrace, maximumRounds: 1)
    var session: UInt32 = 0
    let contributions = contributed.map {
      Contribution(
        board: $0, round: .first, base: version.hash, update: .zero, examples: 1, trainingLoss: nil)
    }
    engine = GatewayEngine(
      settings: settings,
      recovering: RecoveredState(round: .first, base: version, contributions: contributions),
      model: CurrentModel(version: version, description: experiment.model, snapshot: first.snapshot)
    ) {
      session += 1
      return session
    }
    engine.start(now: now)
  }

  func open(
    _ link: UInt64, _ carrier: Carrier, board: UInt64, capabilities: Capabilities = [.training],
    codings: CodingSet = .float32
  ) {
    let link = LinkID(link)
    sessions[link] = Board(board, capabilities, codings)
    engine.linkOpened(link, carrier: carrier, now: now)
    exchange()
  }

  func close(_ link: UInt64) {
    sessions[LinkID(link)] = nil
    engine.linkClosed(LinkID(link), reason: "unplugged", now: now)
    exchange()
  }

  func identify(backwards: Bool = false) {
    let due = backwards ? toIdentify.reversed() : toIdentify
    toIdentify = []
    for (link, board, wantsSecret) in due {
      engine.boardIdentified(
        link, board, name: "rose", cableSecret: wantsSecret ? secret : nil, now: now)
      exchange()
    }
  }

  /// Says something as the board on a link, whatever the gateway thinks of the link.
  func say(_ message: ControlMessage, on link: UInt64) {
    guard let board = sessions[LinkID(link)] else { return }
    _ = board.session.send(message)
    var frame = BoundedBytes(capacity: 1100)
    while board.session.nextFrame(now: now, objects: &board.objects, into: &frame) {
      engine.received(frame: frame.span, on: LinkID(link), now: now)
    }
    exchange()
  }

  /// Lets time pass in which nothing is said.
  func advance(seconds: UInt64) { now = now + .seconds(seconds) }

  /// Lets time pass.
  func wait(seconds: UInt64) {
    now = now + .seconds(seconds)
    engine.timeOut(now: now)
    exchange()
  }

  /// Carries frames both ways until nobody has any.
  private func exchange() {
    var frame = BoundedBytes(capacity: 1100)
    var isBusy = true
    while isBusy {
      isBusy = false
      let count = engine.status.connected
      if count != connected.last ?? 0 { connected.append(count) }
      for action in engine.takeActions() {
        switch action {
        case .notice(let notice): notices.append(notice)
        case .close(let link, let refusal): closed[link] = refusal
        case .identify(let link, let board, _, _, let wantsSecret):
          toIdentify.append((link, board, wantsSecret))
          wanted.append(wantsSecret)
        default: break
        }
      }
      if !identifiesLater && !toIdentify.isEmpty { identify() }
      for (link, board) in sessions.sorted(by: { $0.key < $1.key }) where closed[link] == nil {
        while engine.nextFrame(on: link, now: now, into: &frame) {
          isBusy = true
          let event = board.session.receive(frame: frame.span, now: now, objects: &board.objects)
          switch event {
          case .message(let message): said[link, default: []].append(message)
          case .offered(let transfer, let offer):
            offered[link, default: []].append(offer)
            // It takes the bytes, and never says that it has stored them.
            _ = board.session.accept(transfer, offer, held: 0, now: now)
          default: break
          }
        }
        while board.session.nextFrame(now: now, objects: &board.objects, into: &frame) {
          isBusy = true
          engine.received(frame: frame.span, on: link, now: now)
        }
      }
    }
  }

  /// The secrets that the board on a link was told.
  func secrets(on link: UInt64) -> [[UInt8]] {
    (said[LinkID(link)] ?? []).compactMap {
      guard case .cableSecret(let message) = $0 else { return nil }
      return (0..<Octets16.count).map { message.secret[$0] }
    }
  }

  /// What boards said for the log.
  var logLines: [LogLine] {
    notices.compactMap { if case .boardLog(_, let line) = $0 { line } else { nil } }
  }

  /// Where nobody answered.
  var silent: [Carrier] {
    notices.compactMap { if case .silent(let carrier, _) = $0 { carrier } else { nil } }
  }

  /// Where a board joined: the carrier, and the one before.
  var joined: [(Carrier, Carrier?)] {
    notices.compactMap {
      guard case .boardJoined(_, let carrier, let before, _) = $0 else { return nil }
      return (carrier, before)
    }
  }
}

/// Takes whatever comes.
private struct NoObjects: ObjectAccess {
  func read(_ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>) -> Bool {
    false
  }
  func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool { true }
}
