import Bytes

/// The transfers of one session: a few in each direction, side by side, sharing the link fairly.
///
/// An object that the peer offers takes a place from the offer on, so that what waits for the owner's decision
/// is bounded, and so that an offer that is withdrawn before it was answered leaves nothing behind.
struct TransferTable {
  /// Transfers at once in each direction.
  static let slots = 2

  // Arrays, made once: looking at one field of an element of an inline array copies the whole element to the
  // stack of a board, which has little of it.
  private var outgoing = [OutgoingTransfer?](repeating: nil, count: slots)
  private var incoming = [IncomingTransfer?](repeating: nil, count: slots)
  /// Offers of the peer that the owner has not answered; a slot is also free in `incoming` for each.
  private var offers = [Offer?](repeating: nil, count: slots)
  /// The number given last.
  private(set) var lastNumber: TransferNumber = 0
  /// The outgoing slot whose turn it is.
  private var turn = 0
  /// What of all outgoing transfers may be under way.
  private var window = SendWindow()

  /// Forgets all transfers: a new session begins.
  mutating func reset() {
    window = SendWindow()
    for i in 0..<Self.slots {
      outgoing[i] = nil
      incoming[i] = nil
      offers[i] = nil
    }
  }

  /// Control messages that the open transfers may still need on this side: answer and confirmation of an
  /// offer, the confirmation of what comes in, the withdrawal of what goes out.
  var messagesOwed: Int {
    var owed = 0
    for i in 0..<Self.slots {
      if offers[i] != nil { owed += 2 }
      if incoming[i] != nil { owed += 1 }
      if outgoing[i] != nil { owed += 1 }
    }
    return owed
  }

  // MARK: Outgoing

  /// Opens an outgoing transfer; nil if all slots are taken.
  mutating func open(_ offer: ObjectOffer, now: Timestamp) -> TransferNumber? {
    for i in 0..<Self.slots where outgoing[i] == nil {
      repeat {
        lastNumber = lastNumber == .max ? 1 : lastNumber + 1
      } while outgoingSlot(lastNumber) != nil
      let number = lastNumber
      outgoing[i] = OutgoingTransfer(number: number, offer: offer, now: now)
      return number
    }
    return nil
  }

  /// The offer behind an outgoing transfer.
  func outgoingOffer(_ number: TransferNumber) -> ObjectOffer? {
    outgoingSlot(number).flatMap { outgoing[$0]?.offer }
  }

  /// How far an outgoing transfer has come.
  func outgoingProgress(_ number: TransferNumber) -> TransferProgress? {
    outgoingSlot(number).flatMap { outgoing[$0]?.progress }
  }

  /// Ends an outgoing transfer; its offer, if there was one.
  mutating func closeOutgoing(_ number: TransferNumber) -> ObjectOffer? {
    guard let slot = outgoingSlot(number) else { return nil }
    let offer = outgoing[slot]?.offer
    outgoing[slot] = nil
    return offer
  }

  /// The receiver of an outgoing transfer accepted it; false if what it claims cannot be, nil if it is for no
  /// open transfer.
  mutating func accepted(
    _ number: TransferNumber, held: UInt32, chunk: Int, creditLimit: UInt32, now: Timestamp
  ) -> Bool? {
    guard let slot = outgoingSlot(number) else { return nil }
    return outgoing[slot]?.accepted(held: held, chunk: chunk, creditLimit: creditLimit, now: now)
  }

  /// An acknowledgement came in; nil if it is for no open transfer.
  mutating func receive(
    _ news: ChunkAcknowledgement, now: Timestamp, timeout: UInt64
  ) -> OutgoingTransfer.AcknowledgementOutcome? {
    guard let slot = outgoingSlot(news.transfer) else { return nil }
    let before = outgoing[slot]?.arrived ?? 0
    let outcome = outgoing[slot]?.receive(news, now: now, timeout: timeout)
    if case .taken? = outcome {
      let after = outgoing[slot]?.arrived ?? before
      window.acknowledged(after - before, inFlight: inFlight, now: now)
    }
    return outcome
  }

  /// The next chunk to send, transfers taking turns.
  ///
  /// The chunk that a transfer's receiver waits for may always be sent: of what is under way everything may
  /// have been lost, and only what is sent later tells so.
  mutating func nextChunk() -> (transfer: TransferNumber, index: Int, offset: Int, length: Int)? {
    let inFlight = inFlight
    var isFull = false
    for step in 0..<Self.slots {
      let slot = (turn + step) % Self.slots
      guard let transfer = outgoing[slot], let chunk = transfer.chunkToSend() else { continue }
      // If there is no room for this one the turn stays: a smaller chunk does not overtake it for ever.
      isFull = isFull || !window.hasRoom(for: chunk.length, inFlight: inFlight)
      guard !isFull || transfer.isFirstMissing(chunk.index) else { continue }
      if !isFull { turn = (slot + 1) % Self.slots }
      return (transfer.number, chunk.index, chunk.offset, chunk.length)
    }
    return nil
  }

  /// Bytes under way of all outgoing transfers.
  private var inFlight: Int {
    var sum = 0
    for i in 0..<Self.slots { sum += outgoing[i]?.inFlight ?? 0 }
    return sum
  }

  /// A chunk went out.
  mutating func sent(
    _ number: TransferNumber, _ index: Int, length: Int, sequence: UInt16, now: Timestamp, timeout: UInt64
  ) {
    guard let slot = outgoingSlot(number) else { return }
    outgoing[slot]?.sent(index, sequence: sequence, now: now, timeout: timeout)
    window.sent(length, inFlight: inFlight, now: now)
  }

  private func outgoingSlot(_ number: TransferNumber) -> Int? {
    for i in 0..<Self.slots where outgoing[i]?.number == number { return i }
    return nil
  }

  // MARK: Incoming

  /// Whether an offer finds a place now.
  var hasPlaceForOffer: Bool {
    var taken = 0
    for i in 0..<Self.slots {
      if offers[i] != nil { taken += 1 }
      if incoming[i] != nil { taken += 1 }
    }
    return taken < Self.slots
  }

  /// Whether the peer uses this number for a transfer that is open.
  func isOpen(_ number: TransferNumber) -> Bool {
    offerSlot(number) != nil || incomingSlot(number) != nil
  }

  /// Notes an offer until it is answered; there must be a place for it.
  mutating func note(_ offer: Offer) {
    for i in 0..<Self.slots where offers[i] == nil {
      offers[i] = offer
      return
    }
  }

  /// What the peer offered under this number and was not answered yet.
  func offered(_ number: TransferNumber) -> ObjectOffer? {
    offerSlot(number).flatMap { offers[$0]?.object }
  }

  /// Ends the wait for an answer to an offer; what was offered, nil if no such offer waits.
  mutating func closeOffer(_ number: TransferNumber) -> ObjectOffer? {
    guard let slot = offerSlot(number) else { return nil }
    let offer = offers[slot]?.object
    offers[slot] = nil
    return offer
  }

  /// Begins to receive what an offer closed just now was about.
  mutating func begin(_ transfer: IncomingTransfer) {
    for i in 0..<Self.slots where incoming[i] == nil {
      incoming[i] = transfer
      return
    }
  }

  /// An incoming transfer that lacked no byte when it began, each one once.
  mutating func takeCompletedAtOnce() -> IncomingTransfer? {
    for i in 0..<Self.slots where incoming[i]?.takeCompletedAtOnce() == true { return incoming[i] }
    return nil
  }

  private func offerSlot(_ number: TransferNumber) -> Int? {
    for i in 0..<Self.slots where offers[i]?.transfer == number { return i }
    return nil
  }

  /// An incoming transfer.
  func incoming(_ number: TransferNumber) -> IncomingTransfer? {
    incomingSlot(number).flatMap { incoming[$0] }
  }

  /// Ends an incoming transfer; what it was, if there was one.
  mutating func closeIncoming(_ number: TransferNumber) -> IncomingTransfer? {
    guard let slot = incomingSlot(number) else { return nil }
    let transfer = incoming[slot]
    incoming[slot] = nil
    return transfer
  }

  /// A chunk came in; nil if it is for no open transfer.
  mutating func received(
    _ number: TransferNumber, offset: Int, length: Int, sequence: UInt16, now: Timestamp
  ) -> IncomingTransfer.ChunkOutcome? {
    guard let slot = incomingSlot(number) else { return nil }
    return incoming[slot]?.received(offset: offset, length: length, sequence: sequence, now: now)
  }

  /// The chunk at `offset` was written.
  mutating func stored(_ number: TransferNumber, at offset: Int) {
    guard let slot = incomingSlot(number) else { return }
    incoming[slot]?.stored(at: offset)
  }

  /// An acknowledgement that is due.
  mutating func takeAcknowledgement() -> ChunkAcknowledgement? {
    for i in 0..<Self.slots {
      if let news = incoming[i]?.takeAcknowledgement() { return news }
    }
    return nil
  }

  private func incomingSlot(_ number: TransferNumber) -> Int? {
    for i in 0..<Self.slots where incoming[i]?.number == number { return i }
    return nil
  }

  // MARK: Time

  /// When ``timeOut(now:timeout:)`` is due.
  var nextDeadline: Timestamp? {
    var earliest: Timestamp?
    for i in 0..<Self.slots {
      earliest = .earliest(earliest, outgoing[i]?.nextDeadline)
      earliest = .earliest(earliest, incoming[i]?.nextDeadline)
    }
    return earliest
  }

  /// Time passed.
  ///
  /// - Returns: whether an acknowledgement of something sent is overdue.
  mutating func timeOut(now: Timestamp, timeout: UInt64) -> Bool {
    var overdue = false
    for i in 0..<Self.slots {
      if outgoing[i]?.timeOut(now: now, timeout: timeout) == true { overdue = true }
      incoming[i]?.timeOut(now: now)
    }
    return overdue
  }
}
