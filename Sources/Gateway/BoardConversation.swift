import Bytes
import Digests
import LinkProtocol
import Rounds

/// What a conversation with a board led to, in the gateway's words.
enum ConversationEvent {
  case greeted(Welcome)
  case refused(Refusal)
  case ended(SessionEnd)
  /// The board holds the model; nil progress if it did already.
  case modelDelivered(Digest32, TransferProgress?)
  case modelRefused(Digest32, TransferRefusal)
  case moving(Direction, TransferProgress)
  /// An update is here in whole and has the digest it was offered under.
  case updateReceived(TransferNumber, TransferProgress, [UInt8])
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
  private var wantedModel: ObjectName?
  private var modelTransfer: TransferNumber?
  /// Progress of the model's transfer as last seen: the session forgets it with the transfer.
  private var modelProgress: TransferProgress?
  /// Whether it is known which board this is: until then it is not known what of an update is here already.
  private var knowsBoard = false
  /// An update that was offered before that.
  private var waitingOffer: (transfer: TransferNumber, offer: ObjectOffer)?
  private(set) var lastHeard: Timestamp

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
  /// - Returns: what an update led to that the board offered meanwhile.
  func boardKnown(_ partial: ConversationObjects.Partial?, now: Timestamp) -> [ConversationEvent] {
    knowsBoard = true
    objects.incoming = partial
    guard let waiting = waitingOffer else { return [] }
    waitingOffer = nil
    return consider(waiting.transfer, waiting.offer, now)
  }

  /// Takes the update out that did not arrive in whole, for the board's next conversation.
  func takePartialUpdate() -> ConversationObjects.Partial? {
    defer { objects.incoming = nil }
    return objects.incoming
  }

  // MARK: Commands

  /// Brings the board to a model.
  func deliver(_ name: ObjectName, _ snapshot: [UInt8], now: Timestamp) {
    if let transfer = modelTransfer { session.withdraw(transfer, because: .obsolete) }
    modelTransfer = nil
    objects.outgoing = (name, snapshot)
    wantedModel = name
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
    objects.incoming = nil
  }

  /// Says farewell.
  func close() { session.close() }

  private func flush(_ now: Timestamp) {
    while let message = outbox.first, session.send(message) { outbox.removeFirst() }
    if let model = wantedModel, modelTransfer == nil {
      let offer = ObjectOffer(kind: .model, name: model, round: 0)
      modelTransfer = session.offer(offer, now: now)
      if modelTransfer != nil { wantedModel = nil }
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
    flush(now)
    return session.nextFrame(now: now, objects: &objects, into: &frame)
  }

  var nextDeadline: Timestamp? { session.nextDeadline }

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
      return translate(message)
    case .offered(let transfer, let offer):
      return consider(transfer, offer, now)
    case .arriving(let transfer):
      guard let progress = session.progress(ofIncoming: transfer) else { return [] }
      objects.incoming?.contiguous = progress.delivered
      return [.moving(.up, progress)]
    case .received(let transfer, let offer):
      return received(transfer, offer)
    case .departing(let transfer):
      guard let progress = session.progress(ofOutgoing: transfer) else { return [] }
      modelProgress = progress
      return [.moving(.down, progress)]
    case .delivered(let transfer, let offer):
      guard transfer == modelTransfer else { return [] }
      modelTransfer = nil
      let progress = modelProgress?.offer == offer ? modelProgress : nil
      modelProgress = nil
      return [.modelDelivered(offer.name.digest, progress)]
    case .declined(let transfer, let offer, let refusal):
      guard transfer == modelTransfer else { return [] }
      modelTransfer = nil
      return [.modelRefused(offer.name.digest, refusal)]
    case .withdrawn(let transfer, _, _):
      if waitingOffer?.transfer == transfer { waitingOffer = nil }
      return []
    case .damaged(let error):
      return [.damaged(error)]
    case .violation(let violation):
      return [.violation(violation)]
    }
  }

  private func forgetCommands() {
    outbox = []
    wantedModel = nil
    modelTransfer = nil
    modelProgress = nil
    knowsBoard = false
    waitingOffer = nil
  }

  private func translate(_ message: ControlMessage) -> [ConversationEvent] {
    switch message {
    case .trainingProgress(let report): return [.training(report)]
    case .evaluation(let report): return [.evaluation(report)]
    case .problem(let problem): return [.problem(problem)]
    case .logLine(let line): return [.boardLog(line)]
    case .status, .statusRequest, .offer, .answer, .confirmation, .cancellation, .train, .stopTraining,
      .evaluate:
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
