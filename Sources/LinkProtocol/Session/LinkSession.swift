public import Digests

/// What a side tells the session about itself when it is made.
public struct LinkLimits: Sendable, Equatable {
  /// The longest frame this side takes, in bytes before any stuffing, at least ``minimumFrame``.
  public var maximumFrame: Int
  /// Bytes of one incoming object that may be under way.
  public var window: Int

  /// What every side must be able to take: the longest handshake frame and the longest control message.
  public static let minimumFrame = 320

  /// Limits of a side.
  public init(maximumFrame: Int, window: Int) {
    self.maximumFrame = maximumFrame
    self.window = window
  }
}

/// Frames and faults counted since the session object was made.
public struct LinkStatistics: Sendable, Equatable {
  /// Frames that came in with a right checksum.
  public var framesReceived: UInt32 = 0
  /// Frames made to be sent.
  public var framesSent: UInt32 = 0
  /// Frames whose checksum did not match, or that were too short.
  public var framesDamaged: UInt32 = 0
  /// Frames of another session than the current one.
  public var framesStale: UInt32 = 0
  /// Frames that a carrier delivered twice.
  public var framesRepeated: UInt32 = 0
}

/// One conversation between a gateway and a board: hands frames to whoever must see them, and decides which
/// frame goes out next. The same type serves both sides.
///
/// No I/O and no clock. The owner works in this order:
/// - hand every frame that came in to ``receive(frame:now:objects:)`` and act on the event;
/// - give commands: ``send(_:)``, ``offer(_:now:)``, ``accept(_:held:now:)`` …;
/// - call ``nextFrame(now:objects:into:)`` until it answers false (or the carrier is full);
/// - sleep until ``nextDeadline``, then call ``timeOut(now:)``.
public struct LinkSession: ~Copyable {
  /// Silence after which the gateway asks for a sign of life.
  static let keepAlive: UInt64 = .seconds(3)
  /// Silence after which a board takes the gateway for gone and falls silent itself. Well above
  /// ``keepAlive`` and the time the gateway needs to send that again a few times.
  static let boardPatience: UInt64 = .seconds(60)
  /// Control messages that ``send(_:)`` leaves free besides those that open transfers may still need, so that
  /// log lines cannot hold up an offer.
  static let reservedMessages = 2

  let limits: LinkLimits
  var handshake: Handshake
  var control: ControlChannel
  var transfers = TransferTable()
  var roundTrip = RoundTripEstimator()
  var replay = ReplayWindow()
  var sequence: UInt16 = 0
  /// The longest frame the peer takes.
  var peerMaximumFrame = LinkLimits.minimumFrame
  var lastHeard = Timestamp(microseconds: 0)
  /// A session that the peer speaks of and this side does not know; answered once a frame.
  var unknownSession: UInt16?
  var farewellDue = false
  /// A transfer that was withdrawn because its object could not be read, to be reported by the next time-out.
  var sourceFailure: (transfer: TransferNumber, object: ObjectOffer, at: Timestamp)?

  /// Frames and faults so far.
  public internal(set) var statistics = LinkStatistics()

  init(handshake: Handshake, limits: LinkLimits) {
    self.handshake = handshake
    self.limits = limits
    control = ControlChannel(slots: 8, maximumMessage: ControlMessage.maximumEncodedLength)
  }

  /// The gateway's side: it greets at once, and again until it is answered.
  public static func gateway(_ greeting: Greeting, limits: LinkLimits, now: Timestamp) -> LinkSession {
    LinkSession(handshake: .gateway(GatewayHandshake(greeting, now: now)), limits: limits)
  }

  /// The board's side: it is silent until it is greeted.
  public static func board(_ welcome: Welcome, limits: LinkLimits) -> LinkSession {
    LinkSession(handshake: .board(BoardHandshake(welcome)), limits: limits)
  }

  /// Whether both sides have agreed on a session.
  public var isEstablished: Bool { handshake.isEstablished }

  /// Smoothed round-trip time in µs; 0 until something was measured.
  public var roundTripTime: UInt64 { roundTrip.smoothed }

  /// Frames that the peer sent and that never came in.
  public var framesLost: UInt32 { replay.gaps }

  /// Forgets the conversation, not the identity.
  mutating func beginConversation() {
    control.reset()
    transfers.reset()
    roundTrip = RoundTripEstimator()
    replay = ReplayWindow()
    sourceFailure = nil
    farewellDue = false
  }

  /// Board: the model it holds from now on, for the next welcome.
  public mutating func boardHolds(model: Digest32?) {
    guard case .board(var board) = handshake else { return }
    board.updateWelcome { $0.model = model }
    handshake = .board(board)
  }

  // MARK: Commands

  /// Queues a control message.
  ///
  /// - Returns: false if there is no session or too much is waiting already; say it again later.
  public mutating func send(_ message: ControlMessage) -> Bool {
    freeMessages > 0 && enqueue(message)
  }

  /// Control messages that ``send(_:)`` takes now.
  public var freeMessages: Int {
    guard handshake.isEstablished, !farewellDue else { return 0 }
    return max(0, unpromised - Self.reservedMessages)
  }

  /// Whether there is a session, and the peer has acknowledged every control message that was queued in it.
  public var hasDeliveredMessages: Bool { handshake.isEstablished && control.isIdle }

  /// Control messages that can be queued without taking the room of one that an open transfer may need. Never
  /// negative, so that a word about a transfer never finds the queue full: a transfer of which one side does
  /// not hear how it ended would hang for as long as the session lives.
  var unpromised: Int { control.free - transfers.messagesOwed }

  mutating func enqueue(_ message: ControlMessage) -> Bool {
    control.enqueue(message)
  }

  /// Offers an object to the peer.
  ///
  /// - Returns: the transfer's number; nil if too many transfers or messages are under way.
  public mutating func offer(_ object: ObjectOffer, now: Timestamp) -> TransferNumber? {
    guard handshake.isEstablished, !farewellDue, unpromised >= 2,
      object.name.length <= ObjectName.maximumLength, let number = transfers.open(object, now: now)
    else { return nil }
    _ = enqueue(.offer(Offer(transfer: number, object: object)))
    return number
  }

  /// Takes an object that the peer offered.
  ///
  /// - Parameters:
  ///   - transfer: the number in the ``SessionEvent/offered(_:_:)`` event.
  ///   - held: bytes at its beginning that are here already, at most its length.
  ///   - object: the offer in that event.
  /// - Returns: false if this is not on offer any more: the peer withdrew it, or the session is another one.
  public mutating func accept(
    _ transfer: TransferNumber, _ object: ObjectOffer, held: UInt32, now: Timestamp
  ) -> Bool {
    guard transfers.offered(transfer) == object else { return false }
    _ = transfers.closeOffer(transfer)
    // Whole words, so that a board can write a chunk to flash as it is.
    let chunk = max(4, (min(limits.maximumFrame, peerMaximumFrame) - Self.chunkOverhead) & ~3)
    let window = max(limits.window, chunk)
    let incoming = IncomingTransfer(
      number: transfer, offer: object, held: min(held, object.name.length), chunk: chunk, window: window,
      latestSequence: replay.highest, now: now)
    transfers.begin(incoming)
    let accepted = Answer.Outcome.accepted(
      held: incoming.contiguousBytes, chunk: UInt16(min(chunk, 65_535)), creditLimit: incoming.creditLimit)
    _ = enqueue(.answer(Answer(transfer: transfer, outcome: accepted)))
    return true
  }

  /// Bytes that a chunk's frame adds to its data.
  public static let chunkOverhead = Frame.overhead + 6

  /// Does not take an object that the peer offered. Without effect if that is not on offer any more.
  public mutating func decline(_ transfer: TransferNumber, because reason: TransferRefusal) {
    guard transfers.closeOffer(transfer) != nil else { return }
    _ = enqueue(.answer(Answer(transfer: transfer, outcome: .declined(reason))))
  }

  /// Tells the peer that a received object was verified and is stored for good. Without effect while bytes are
  /// missing: then the number is that of another transfer, in a session that began in the meantime.
  public mutating func confirm(_ transfer: TransferNumber) {
    guard transfers.incoming(transfer)?.isComplete == true else { return }
    finish(transfer, nil)
  }

  /// Tells the peer that a received object was not kept.
  public mutating func reject(_ transfer: TransferNumber, because reason: TransferRefusal) {
    finish(transfer, reason)
  }

  private mutating func finish(_ transfer: TransferNumber, _ refusal: TransferRefusal?) {
    guard transfers.closeIncoming(transfer) != nil else { return }
    _ = enqueue(.confirmation(Confirmation(transfer: transfer, refusal: refusal)))
  }

  /// Stops receiving an object that is of no use any more. Without effect if it is not under way.
  public mutating func stopReceiving(_ transfer: TransferNumber, because reason: TransferRefusal) {
    guard transfers.closeIncoming(transfer) != nil else { return }
    _ = enqueue(.cancellation(Cancellation(transfer: transfer, fromSender: false, reason: reason)))
  }

  /// Stops sending an object.
  public mutating func withdraw(_ transfer: TransferNumber, because reason: TransferRefusal) {
    guard transfers.closeOutgoing(transfer) != nil else { return }
    _ = enqueue(.cancellation(Cancellation(transfer: transfer, fromSender: true, reason: reason)))
  }

  /// How far a transfer that this side offered has come.
  public func progress(ofOutgoing transfer: TransferNumber) -> TransferProgress? {
    transfers.outgoingProgress(transfer)
  }

  /// How far a transfer that this side accepted has come.
  public func progress(ofIncoming transfer: TransferNumber) -> TransferProgress? {
    transfers.incoming(transfer)?.progress
  }

  /// Ends the session because its carrier is gone. A gateway greets anew.
  public mutating func abandon(now: Timestamp) -> SessionEvent {
    handshake.isEstablished ? end(.carrierLost, now: now) : .nothing
  }

  /// Ends the session in good order, for good: what was said before is still delivered, then one last frame is
  /// sent. A gateway that was not answered yet stops greeting.
  public mutating func close() {
    if handshake.isEstablished { farewellDue = true } else { handshake.farewellSent() }
  }
}
