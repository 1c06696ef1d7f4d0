public import Bytes
public import Digests
public import LinkProtocol
public import Rounds
import UpdateCodec

/// The gateway without I/O: conversations with boards on links, and the rounds they take part in.
///
/// The owner opens and closes links, hands in frames and store results, and pulls out frames and actions:
/// - after every call that takes `now`: ``takeActions()``, and ``nextFrame(on:now:into:)`` for every link in
///   ``takeLinksToServe()``;
/// - sleep until ``nextDeadline``, then ``timeOut(now:)``.
///
/// It is not thread-safe: one event loop owns it.
public final class GatewayEngine {
  /// When nobody answered for this long, that is said. Greeting goes on, every few seconds.
  private static let greetingPatience: UInt64 = .seconds(30)
  /// Bytes that may come before an answer, from a board that is still sending to an earlier gateway, or whose first
  /// bytes are stale. A stream that goes on longer is none of ours.
  private static let strangeBytes = 64 * 1024

  let settings: GatewaySettings
  var coordinator: RoundCoordinator
  /// The model of the open round.
  public internal(set) var model: CurrentModel
  var conversations: [LinkID: BoardConversation] = [:]
  /// The link on which a board is served.
  var links: [BoardID: LinkID] = [:]
  var boardOfLink: [LinkID: BoardID] = [:]
  /// Where a board was served last.
  var lastCarriers: [BoardID: Carrier] = [:]
  var names: [BoardID: String] = [:]
  /// Welcomes of boards that are being identified.
  var welcomes: [LinkID: Welcome] = [:]
  /// What is on its way to a board, or was when its link was lost.
  var underWay: [BoardID: UnderWay] = [:]
  /// The model that a board holds, as far as known.
  var held: [BoardID: Digest32] = [:]
  /// The codings that a board knows.
  var codings: [BoardID: CodingSet] = [:]
  /// Boards that could not use a delta: they get the whole model.
  var needsSnapshot: Set<BoardID> = []
  /// How differences are coded.
  var compression: CompressionPolicy
  /// How the boards code their updates of the open round: what is asked again is asked the same.
  var roundCodings: [BoardID: UpdateCoding] = [:]
  /// The coding that people were told of last.
  var announcedCodings: [BoardID?: UpdateCoding] = [:]
  /// When a board was asked to train.
  var trainingSince: [BoardID: Timestamp] = [:]
  /// Losses that boards reported for the open round.
  var trainingLosses: [BoardID: Float] = [:]
  /// Each board's last update that is in the books.
  var counted: [BoardID: Digest32] = [:]
  /// Parts of updates, kept over lost links.
  var partialUpdates: [BoardID: ConversationObjects.Partial] = [:]
  /// Updates that wait for the coordinator's verdict or the store: where they came from.
  var unanswered: [BoardID: PendingAnswer] = [:]
  private var openedAt: [LinkID: Timestamp] = [:]
  var announcedSilent: Set<LinkID> = []
  private var actions: [GatewayAction] = []
  private var toServe: Set<LinkID> = []
  private var makeSession: () -> UInt32

  /// Bytes of frames sent and received since ``takeTraffic()``.
  private var traffic = Traffic()

  /// An update that the board waits for an answer to.
  struct PendingAnswer {
    var link: LinkID
    var transfer: TransferNumber
    var contribution: Rounds.Contribution
    var payload: [UInt8]
  }

  /// - Parameters:
  ///   - settings: how the gateway works.
  ///   - state: where the store says the run is.
  ///   - model: the model of that state.
  ///   - partials: what the store has of updates that have not arrived in whole.
  ///   - counted: each board's last update that is in the books.
  ///   - makeSession: random numbers for sessions.
  public init(
    settings: GatewaySettings, recovering state: RecoveredState, model: CurrentModel,
    partials: [PartialUpdate] = [], counted: [BoardID: Digest32] = [:], makeSession: @escaping () -> UInt32
  ) {
    self.settings = settings
    self.model = model
    self.makeSession = makeSession
    self.counted = counted
    compression = CompressionPolicy(settings.compression)
    for partial in partials where partial.content.count <= Int(partial.name.length) {
      guard partial.name.length <= settings.largestUpdate else { continue }
      partialUpdates[partial.board] = ConversationObjects.Partial(partial)
    }
    coordinator = RoundCoordinator(policy: settings.policy, recovering: state)
  }

  // MARK: What comes out

  /// What is to be done, in order.
  public func takeActions() -> [GatewayAction] {
    defer { actions = [] }
    return actions
  }

  /// Links that may have frames to send.
  public func takeLinksToServe() -> Set<LinkID> {
    defer { toServe = [] }
    return toServe
  }

  /// What moved since the last call.
  public func takeTraffic() -> Traffic {
    defer { traffic = Traffic() }
    return traffic
  }

  /// A transfer is over.
  func count(_ transfer: TransferNotice) {
    traffic.again += Int(transfer.retransmitted)
    traffic.resumed += Int(transfer.resumedFrom)
  }

  /// Where the round stands.
  public var status: RoundStatus { coordinator.status }

  func act(_ action: GatewayAction) { actions.append(action) }
  func notice(_ notice: GatewayNotice) { actions.append(.notice(notice)) }
  func serve(_ link: LinkID) { toServe.insert(link) }

  func label(_ board: BoardID) -> BoardLabel {
    BoardLabel(id: board, name: names[board] ?? board.description)
  }

  // MARK: Start and stop

  /// Begins to hold rounds.
  public func start(now: Timestamp) {
    perform(coordinator.start(now: MonotonicTime(now)), now)
  }

  /// Begins no more; `finished` follows when nothing is on its way to the store.
  public func stop(now: Timestamp) {
    perform(coordinator.stop(now: MonotonicTime(now)), now)
  }

  /// Says farewell to all boards: one last frame on every link.
  public func sayFarewell() {
    for (link, conversation) in conversations where !conversation.isGivenUp {
      conversation.close()
      serve(link)
    }
  }

  // MARK: Links

  /// A carrier is open: greet whoever is there.
  public func linkOpened(_ link: LinkID, carrier: Carrier, now: Timestamp) {
    let greeting = Greeting(
      session: makeSession(), maximumFrame: UInt16(clamping: settings.limits.maximumFrame),
      gateway: settings.name, time: 0)
    conversations[link] = BoardConversation(
      link: link, carrier: carrier, greeting: greeting, settings: settings, now: now)
    openedAt[link] = now
    notice(.linkOpened(carrier))
    serve(link)
  }

  /// A carrier is gone.
  public func linkClosed(_ link: LinkID, reason: String, now: Timestamp) {
    guard let conversation = conversations.removeValue(forKey: link) else { return }
    openedAt[link] = nil
    announcedSilent.remove(link)
    let board = boardOfLink[link]
    lose(conversation, now)
    notice(.linkClosed(conversation.carrier, board.map(label), reason: reason))
  }

  /// A frame came in.
  public func received(frame: Span<UInt8>, on link: LinkID, now: Timestamp) {
    guard let conversation = conversations[link] else { return }
    traffic.up += frame.count
    // What was under way when the link was given up is of a session that is over on the other side too.
    guard !conversation.isGivenUp else { return }
    for event in conversation.receive(frame: frame, now: now) { handle(event, conversation, now) }
    serve(link)
  }

  /// Writes the next frame for a link; false if there is none.
  public func nextFrame(on link: LinkID, now: Timestamp, into frame: inout BoundedBytes) -> Bool {
    guard let conversation = conversations[link], conversation.nextFrame(now: now, into: &frame) else {
      return false
    }
    traffic.down += frame.count
    return true
  }

  /// Bytes came in on a stream, whatever they are: before an answer there may not be many.
  public func streamReceived(_ count: Int, on link: LinkID) {
    guard let conversation = conversations[link], !conversation.isGivenUp else { return }
    conversation.bytesBeforeAnswer = conversation.isEstablished ? 0 : conversation.bytesBeforeAnswer &+ count
    guard conversation.bytesBeforeAnswer > Self.strangeBytes else { return }
    conversation.bytesBeforeAnswer = 0
    refuse(conversation, .garbage(limit: Self.strangeBytes))
  }

  /// Bytes of a stream that could not be a frame.
  public func streamDamaged(on link: LinkID, what: String) {
    guard let conversation = conversations[link], !conversation.isGivenUp else { return }
    notice(.linkFault(boardOfLink[link].map(label), conversation.carrier, what))
  }

  // MARK: Time

  /// When ``timeOut(now:)`` has to be called at the latest.
  public var nextDeadline: Timestamp? {
    var deadline = coordinator.nextDeadline.map(Timestamp.init)
    for (link, conversation) in conversations {
      deadline = .earliest(deadline, conversation.nextDeadline)
      if let patience = patienceEnds(link, conversation) { deadline = .earliest(deadline, patience) }
    }
    return deadline
  }

  private func patienceEnds(_ link: LinkID, _ conversation: BoardConversation) -> Timestamp? {
    guard !conversation.isEstablished, !conversation.isGivenUp, !announcedSilent.contains(link),
      let opened = openedAt[link]
    else { return nil }
    // A board in a session over a better carrier does not hear who greets it over another one.
    if let board = conversation.carrier.expectedBoard, links[board] != nil { return nil }
    return opened + Self.greetingPatience
  }

  /// Does what is due.
  public func timeOut(now: Timestamp) {
    for (link, conversation) in conversations {
      if let due = conversation.nextDeadline, due <= now {
        for event in conversation.timeOut(now: now) { handle(event, conversation, now) }
        serve(link)
      }
      if let patience = patienceEnds(link, conversation), patience <= now {
        announcedSilent.insert(link)
        notice(.silent(conversation.carrier, seconds: Int(Self.greetingPatience / 1_000_000)))
      }
    }
    if let due = coordinator.nextDeadline, due <= MonotonicTime(now) {
      perform(coordinator.tick(now: MonotonicTime(now)), now)
    }
  }
}

extension MonotonicTime {
  init(_ time: Timestamp) { self.init(microseconds: time.microseconds) }
}

extension Timestamp {
  init(_ time: MonotonicTime) { self.init(microseconds: time.microseconds) }
}

extension ShortText {
  /// The text, with `?` for what is no UTF-8.
  public var string: String {
    span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}
