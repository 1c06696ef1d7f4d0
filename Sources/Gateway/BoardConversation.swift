import Bytes
import Digests
import LinkProtocol
import Rounds

/// What a conversation with a board led to, in the gateway's words.
enum ConversationEvent {
  case greeted(Welcome)
  case refused(Refusal)
  case ended(SessionEnd)
  /// The board took what was delivered and holds its result; nil progress if it did already.
  case delivered(Delivery, TransferProgress?)
  case deliveryRefused(Delivery, TransferRefusal)
  case moving(Direction, TransferProgress)
  /// An update is here in whole and has the digest it was offered under.
  case updateReceived(TransferNumber, TransferProgress, [UInt8])
  /// A piece of an update is here without a gap before it: worth keeping.
  case pieceReceived(ObjectName, start: UInt32, [UInt8])
  /// An update was offered that is not taken, or came in and is not what was offered.
  case updateDeclined(ObjectOffer, TransferRefusal)
  case training(TrainingReport)
  case evaluation(LinkProtocol.EvaluationReport)
  case problem(Problem)
  case boardLog(LogLine)
  case damaged(FrameError)
  case violation(ProtocolViolation)
}

/// The gateway's side of one link: what is asked of the board, and what became of it. No I/O.
///
/// A command that finds the session full waits here; the newest of a kind replaces the one before it.
final class BoardConversation {
  let link: LinkID
  let carrier: Carrier
  private var session: LinkSession
  private var objects = ConversationObjects()
  private let largestUpdate: UInt32
  private var outbox: [ControlMessage] = []
  /// What is on its way to the board, and the transfer that carries it, once the session had room for one.
  private(set) var delivery: Delivery?
  private var deliveryTransfer: TransferNumber?
  /// Progress of that transfer as last seen: the session forgets it with the transfer.
  private var deliveryProgress: TransferProgress?
  /// The update that is coming in.
  private var updateTransfer: (number: TransferNumber, offer: ObjectOffer)?
  /// Updates of earlier rounds are of no use any more.
  private var openRound: UInt32 = 0
  /// The board's last update that is in the books: offered again, it is only confirmed again.
  var counted: Digest32?
  /// Whether it is known which board this is: until then it is not known what of an update is here already.
  private var knowsBoard = false
  /// What the board said before that: it tells the first gateway there is what went wrong without one.
  private var firstWords: [ConversationEvent] = []
  private static let mostFirstWords = 16
  /// An update that was offered before that.
  private var waitingOffer: (transfer: TransferNumber, offer: ObjectOffer)?
  private(set) var lastHeard: Timestamp
  /// Whether the link is to be closed: nothing is said any more, and nothing heard.
  private(set) var isGivenUp = false
  /// Bytes that came since the link opened, or since the last session on it, without an answer among them.
  var bytesBeforeAnswer = 0

  init(link: LinkID, carrier: Carrier, greeting: Greeting, settings: GatewaySettings, now: Timestamp) {
    self.link = link
    self.carrier = carrier
    largestUpdate = settings.largestUpdate
    session = .gateway(greeting, limits: settings.limits, now: now)
    lastHeard = now
  }

  var isEstablished: Bool { session.isEstablished }
  var statistics: LinkStatistics { session.statistics }
  var roundTripTime: UInt64 { session.roundTripTime }

  /// The board is known now, and what is here of its update.
  ///
  /// - Returns: what the board said meanwhile, and what an update led to that it offered.
  func boardKnown(
    _ partial: ConversationObjects.Partial?, openRound: UInt32, now: Timestamp
  ) -> [ConversationEvent] {
    knowsBoard = true
    self.openRound = openRound
    objects.incoming = partial
    defer { firstWords = [] }
    guard let waiting = waitingOffer else { return firstWords }
    waitingOffer = nil
    return firstWords + consider(waiting.transfer, waiting.offer, now)
  }

  /// A round was opened: an update of an earlier one that is still coming in is of no use any more.
  func roundOpened(_ round: UInt32) -> [ConversationEvent] {
    openRound = round
    guard let update = updateTransfer, isLate(update.offer), objects.incoming?.isWhole == false else {
      return []
    }
    session.stopReceiving(update.number, because: .obsolete)
    updateTransfer = nil
    objects.incoming = nil
    return [.updateDeclined(update.offer, .obsolete)]
  }

  private func isLate(_ offer: ObjectOffer) -> Bool { offer.round != 0 && offer.round < openRound }

  /// Takes the update out that did not arrive in whole, for the board's next conversation.
  func takePartialUpdate() -> ConversationObjects.Partial? {
    defer { objects.incoming = nil }
    return objects.incoming
  }

  // MARK: Commands

  /// Brings the board to a model, or nearer to it. What is on its way to it already goes on, anything else is
  /// withdrawn.
  func deliver(_ next: Delivery, now: Timestamp) {
    guard next != delivery else { return }
    if let transfer = deliveryTransfer { session.withdraw(transfer, because: .obsolete) }
    deliveryTransfer = nil
    deliveryProgress = nil
    delivery = next
    objects.outgoing = (next.name, next.content)
    flush(now)
  }

  /// Says something to the board.
  func say(_ message: ControlMessage, now: Timestamp) {
    outbox.append(message)
    flush(now)
  }

  /// The update of this transfer is durable, or will not be used.
  func answer(_ transfer: TransferNumber, _ refusal: TransferRefusal?) {
    if let refusal { session.reject(transfer, because: refusal) } else { session.confirm(transfer) }
    updateTransfer = nil
    objects.incoming = nil
  }

  /// Says farewell.
  func close() { session.close() }

  /// Falls silent for good: the board speaks over another link, or is none.
  func giveUp() { isGivenUp = true }

  private func flush(_ now: Timestamp) {
    while let message = outbox.first, session.send(message) { outbox.removeFirst() }
    if let delivery, deliveryTransfer == nil {
      deliveryTransfer = session.offer(
        ObjectOffer(kind: delivery.kind, name: delivery.name, round: 0), now: now)
    }
  }

  // MARK: The link

  func receive(frame: Span<UInt8>, now: Timestamp) -> [ConversationEvent] {
    let event = session.receive(frame: frame, now: now, objects: &objects)
    if case .damaged = event {} else { lastHeard = now }
    let events = translate(event, now)
    flush(now)
    return events
  }

  func nextFrame(now: Timestamp, into frame: inout BoundedBytes) -> Bool {
    guard !isGivenUp else { return false }
    flush(now)
    return session.nextFrame(now: now, objects: &objects, into: &frame)
  }

  var nextDeadline: Timestamp? { isGivenUp ? nil : session.nextDeadline }

  func timeOut(now: Timestamp) -> [ConversationEvent] {
    translate(session.timeOut(now: now), now)
  }

  private func translate(_ event: SessionEvent, _ now: Timestamp) -> [ConversationEvent] {
    switch event {
    case .nothing, .opened:
      return []
    case .established(let welcome):
      forgetCommands()
      return [.greeted(welcome)]
    case .refused(let refusal):
      return [.refused(refusal)]
    case .ended(let end):
      forgetCommands()
      return [.ended(end)]
    case .message(let message):
      let words = translate(message)
      guard !knowsBoard else { return words }
      if firstWords.count < Self.mostFirstWords { firstWords += words }
      return []
    case .offered(let transfer, let offer):
      return consider(transfer, offer, now)
    case .arriving(let transfer):
      guard let progress = session.progress(ofIncoming: transfer) else { return [] }
      objects.incoming?.contiguous = progress.delivered
      guard let piece = objects.incoming?.takePiece() else { return [.moving(.up, progress)] }
      return [.moving(.up, progress), piece]
    case .received(let transfer, let offer):
      return received(transfer, offer)
    case .departing(let transfer):
      guard let progress = session.progress(ofOutgoing: transfer) else { return [] }
      deliveryProgress = progress
      return [.moving(.down, progress)]
    case .delivered(let transfer, _):
      guard let done = delivery, transfer == deliveryTransfer else { return [] }
      let progress = deliveryProgress
      forgetDelivery()
      return [.delivered(done, progress)]
    case .declined(let transfer, _, let refusal):
      guard let refused = delivery, transfer == deliveryTransfer else { return [] }
      forgetDelivery()
      return [.deliveryRefused(refused, refusal)]
    case .withdrawn(let transfer, _, _):
      if waitingOffer?.transfer == transfer { waitingOffer = nil }
      if updateTransfer?.number == transfer { updateTransfer = nil }
      return []
    case .damaged(let error):
      return [.damaged(error)]
    case .violation(let violation):
      return [.violation(violation)]
    }
  }

  private func forgetCommands() {
    outbox = []
    forgetDelivery()
    knowsBoard = false
    firstWords = []
    waitingOffer = nil
    updateTransfer = nil
  }

  private func forgetDelivery() {
    delivery = nil
    deliveryTransfer = nil
    deliveryProgress = nil
  }

  private func translate(_ message: ControlMessage) -> [ConversationEvent] {
    switch message {
    case .trainingProgress(let report): return [.training(report)]
    case .evaluation(let report): return [.evaluation(report)]
    case .problem(let problem): return [.problem(problem)]
    case .logLine(let line): return [.boardLog(line)]
    case .status, .statusRequest, .offer, .answer, .confirmation, .cancellation, .train, .stopTraining,
      .evaluate, .cableSecret:
      return []
    }
  }

  private func consider(
    _ transfer: TransferNumber, _ offer: ObjectOffer, _ now: Timestamp
  ) -> [ConversationEvent] {
    guard offer.kind == .update else {
      session.decline(transfer, because: .invalid)
      return []
    }
    guard offer.name.length <= largestUpdate else {
      session.decline(transfer, because: .tooLarge)
      return [.updateDeclined(offer, .tooLarge)]
    }
    guard knowsBoard else {
      if let earlier = waitingOffer { session.decline(earlier.transfer, because: .busy) }
      waitingOffer = (transfer, offer)
      return []
    }
    if offer.name.digest == counted {
      // The confirmation was lost with a link or a gateway.
      session.decline(transfer, because: .alreadyHeld)
      return []
    }
    guard !isLate(offer) else {
      session.decline(transfer, because: .obsolete)
      return [.updateDeclined(offer, .obsolete)]
    }
    updateTransfer = (transfer, offer)
    if objects.incoming?.name != offer.name {
      let room = [UInt8](repeating: 0, count: Int(offer.name.length))
      objects.incoming = .init(name: offer.name, content: room, contiguous: 0)
    }
    guard session.accept(transfer, offer, held: objects.incoming?.contiguous ?? 0, now: now) else {
      return []
    }
    return translate(session.takeCompleted(), now)
  }

  private func received(_ transfer: TransferNumber, _ offer: ObjectOffer) -> [ConversationEvent] {
    guard let update = objects.incoming, update.name == offer.name,
      let progress = session.progress(ofIncoming: transfer)
    else {
      session.reject(transfer, because: .busy)
      return []
    }
    guard SHA256.hash(of: update.content.span) == offer.name.digest else {
      objects.incoming = nil
      session.reject(transfer, because: .wrongDigest)
      return [.updateDeclined(offer, .wrongDigest)]
    }
    objects.incoming?.contiguous = offer.name.length
    return [.updateReceived(transfer, progress, update.content)]
  }
}
