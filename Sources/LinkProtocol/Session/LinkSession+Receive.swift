import Bytes

extension LinkSession {
  /// Takes one frame that came in.
  ///
  /// - Parameters:
  ///   - frame: header to checksum, as the carrier delivered it.
  ///   - objects: where pieces of accepted objects are written.
  public mutating func receive<Objects: ObjectAccess & ~Copyable>(
    frame: Span<UInt8>, now: Timestamp, objects: inout Objects
  ) -> SessionEvent {
    let header: FrameHeader
    do {
      header = try Frame.parse(frame)
    } catch {
      statistics.framesDamaged &+= 1
      return .damaged(error)
    }
    statistics.framesReceived &+= 1
    let body = Frame.body(of: frame)
    switch header.kind {
    case .greeting: return receiveGreeting(body, header, now: now)
    case .welcome: return receiveWelcome(body, header, now: now)
    case .refusal: return receiveRefusal(body, header)
    case .control, .controlAcknowledgement, .chunk, .chunkAcknowledgement, .unknownSession, .farewell:
      break
    }
    guard handshake.isEstablished, header.session == handshake.tag else {
      statistics.framesStale &+= 1
      // Only a board answers: it may have been reset in a session that the gateway goes on with.
      switch (handshake, header.kind) {
      case (.gateway, _), (_, .unknownSession), (_, .farewell): break
      case (.board, _): unknownSession = header.session
      }
      return .nothing
    }
    // A board that was reset counts its frames from 0 again, which says nothing about what it heard before.
    if header.kind == .unknownSession { return end(.peerReset, now: now) }
    guard replay.accept(header.sequence) else {
      statistics.framesRepeated &+= 1
      return .nothing
    }
    lastHeard = now
    switch header.kind {
    case .greeting, .welcome, .refusal, .unknownSession: return .nothing
    case .control: return receiveControl(body, now: now)
    case .controlAcknowledgement: return receiveControlAcknowledgement(body, now: now)
    case .chunk: return receiveChunk(body, header, now: now, objects: &objects)
    case .chunkAcknowledgement: return receiveChunkAcknowledgement(body, now: now)
    case .farewell: return end(.farewell, now: now)
    }
  }

  mutating func end(_ reason: SessionEnd, now: Timestamp) -> SessionEvent {
    // What was closed stays closed, also if the peer was gone before it heard so.
    if farewellDue { handshake.farewellSent() } else { handshake.sessionEnded(now: now) }
    beginConversation()
    return .ended(reason)
  }

  // MARK: Handshake

  private mutating func receiveGreeting(
    _ body: Span<UInt8>, _ header: FrameHeader, now: Timestamp
  ) -> SessionEvent {
    guard case .board(var board) = handshake else { return .violation(.wrongRole) }
    guard let greeting = Greeting(parsing: body),
      UInt16(truncatingIfNeeded: greeting.session) == header.session
    else { return .violation(.malformedMessage) }
    let outcome = board.greeted(greeting)
    handshake = .board(board)
    switch outcome {
    case .repeated:
      _ = replay.accept(header.sequence)
      return .nothing
    case .noCommonVersion:
      return .nothing
    case .opened:
      beginConversation()
      _ = replay.accept(header.sequence)
      peerMaximumFrame = max(Int(greeting.maximumFrame), LinkLimits.minimumFrame)
      lastHeard = now
      return .opened(greeting)
    }
  }

  private mutating func receiveWelcome(
    _ body: Span<UInt8>, _ header: FrameHeader, now: Timestamp
  ) -> SessionEvent {
    guard case .gateway(var gateway) = handshake else { return .violation(.wrongRole) }
    guard let welcome = Welcome(parsing: body) else { return .violation(.malformedMessage) }
    let outcome = gateway.welcomed(welcome)
    handshake = .gateway(gateway)
    switch outcome {
    case .stale:
      statistics.framesStale &+= 1
      return .nothing
    case .repeated:
      _ = replay.accept(header.sequence)
      return .nothing
    case .boardReset:
      return end(.peerReset, now: now)
    case .violation:
      return .violation(.malformedMessage)
    case .established:
      beginConversation()
      _ = replay.accept(header.sequence)
      peerMaximumFrame = max(Int(welcome.maximumFrame), LinkLimits.minimumFrame)
      lastHeard = now
      return .established(welcome)
    }
  }

  private mutating func receiveRefusal(_ body: Span<UInt8>, _ header: FrameHeader) -> SessionEvent {
    guard case .gateway(var gateway) = handshake else { return .violation(.wrongRole) }
    guard let refusal = Refusal(parsing: body) else { return .violation(.malformedMessage) }
    guard gateway.refused(header.session) else { return .nothing }
    handshake = .gateway(gateway)
    return .refused(refusal)
  }

  // MARK: Control

  private mutating func receiveControl(_ body: Span<UInt8>, now: Timestamp) -> SessionEvent {
    var reader = ByteReader(body)
    guard let number = reader.readLittleEndian(width: 2), let text = reader.read(reader.remaining) else {
      return .violation(.malformedMessage)
    }
    guard control.isNext(UInt16(number)) else { return .nothing }
    let message: ControlMessage
    do {
      message = try ControlMessage(parsing: text)
    } catch {
      control.take()
      switch error {
      case .malformed:
        return .violation(.malformedMessage)
      case .unknownType(let type):
        if unpromised > 0 {
          _ = enqueue(.problem(Problem(code: .unknownMessage, about: UInt32(truncatingIfNeeded: type))))
        }
        return .violation(.unknownMessage(type))
      }
    }
    if case .offer(let offer) = message {
      guard let event = receive(offer) else { return .nothing }
      control.take()
      return event
    }
    control.take()
    return receive(message, now: now)
  }

  /// - Returns: nil if what there is to say about the offer may find no room: it must come again.
  private mutating func receive(_ offer: Offer) -> SessionEvent? {
    guard !transfers.isOpen(offer.transfer) else { return .violation(.impossibleTransfer(offer.transfer)) }
    guard transfers.hasPlaceForOffer else {
      guard unpromised >= 1 else { return nil }
      _ = enqueue(.answer(Answer(transfer: offer.transfer, outcome: .declined(.busy))))
      return .nothing
    }
    guard unpromised >= 2 else { return nil }
    transfers.note(offer)
    return .offered(offer.transfer, offer.object)
  }

  private mutating func receive(_ message: ControlMessage, now: Timestamp) -> SessionEvent {
    switch message {
    case .answer(let answer):
      return receive(answer, now: now)
    case .confirmation(let confirmation):
      guard let object = transfers.closeOutgoing(confirmation.transfer) else { return .nothing }
      if let refusal = confirmation.refusal { return .declined(confirmation.transfer, object, refusal) }
      return .delivered(confirmation.transfer, object)
    case .cancellation(let cancellation):
      if cancellation.fromSender {
        if let object = transfers.closeOffer(cancellation.transfer) {
          return .withdrawn(cancellation.transfer, object, cancellation.reason)
        }
        guard let transfer = transfers.closeIncoming(cancellation.transfer) else { return .nothing }
        return .withdrawn(cancellation.transfer, transfer.offer, cancellation.reason)
      }
      guard let object = transfers.closeOutgoing(cancellation.transfer) else { return .nothing }
      return .declined(cancellation.transfer, object, cancellation.reason)
    default:
      return .message(message)
    }
  }

  private mutating func receive(_ answer: Answer, now: Timestamp) -> SessionEvent {
    switch answer.outcome {
    case .declined(let refusal):
      guard let object = transfers.closeOutgoing(answer.transfer) else { return .nothing }
      // What the receiver holds already is as good as delivered.
      return refusal == .alreadyHeld
        ? .delivered(answer.transfer, object) : .declined(answer.transfer, object, refusal)
    case .accepted(let held, let chunk, let creditLimit):
      let largest = min(limits.maximumFrame, peerMaximumFrame) - Self.chunkOverhead
      guard
        let possible = transfers.accepted(
          answer.transfer, held: held, chunk: Int(chunk), creditLimit: creditLimit, now: now)
      else { return .nothing }  // withdrawn in the meantime
      guard possible, Int(chunk) <= largest else {
        withdraw(answer.transfer, because: .invalid)
        return .violation(.impossibleTransfer(answer.transfer))
      }
      return .departing(answer.transfer)
    }
  }

  private mutating func receiveControlAcknowledgement(
    _ body: Span<UInt8>, now: Timestamp
  ) -> SessionEvent {
    var reader = ByteReader(body)
    guard let number = reader.readLittleEndian(width: 2), reader.remaining == 0 else {
      return .violation(.malformedMessage)
    }
    let sample = control.acknowledged(upTo: UInt16(number), now: now, timeout: roundTrip.timeout)
    if let sample { roundTrip.measured(sample) }
    return .nothing
  }

  // MARK: Chunks

  private mutating func receiveChunk<Objects: ObjectAccess & ~Copyable>(
    _ body: Span<UInt8>, _ header: FrameHeader, now: Timestamp, objects: inout Objects
  ) -> SessionEvent {
    var reader = ByteReader(body)
    guard let rawNumber = reader.readLittleEndian(width: 2),
      let rawOffset = reader.readLittleEndian(width: 4),
      let data = reader.read(reader.remaining)
    else { return .violation(.malformedMessage) }
    let number = TransferNumber(rawNumber)
    guard rawOffset <= UInt64(ObjectName.maximumLength) else {
      return .violation(.impossibleTransfer(number))
    }
    let offset = Int(rawOffset)
    // A transfer that is over, e.g. because it was complete: late copies of its chunks mean nothing.
    guard
      let outcome = transfers.received(
        number, offset: offset, length: data.count, sequence: header.sequence, now: now)
    else { return .nothing }
    switch outcome {
    case .duplicate: return .nothing
    case .impossible: return .violation(.impossibleTransfer(number))
    case .write: break
    }
    guard let transfer = transfers.incoming(number) else { return .nothing }
    guard objects.write(data, of: transfer.offer.name, at: offset) else {
      _ = transfers.closeIncoming(number)
      _ = enqueue(
        .cancellation(Cancellation(transfer: number, fromSender: false, reason: .storageFailed)))
      return .withdrawn(number, transfer.offer, .storageFailed)
    }
    transfers.stored(number, at: offset)
    guard let now = transfers.incoming(number), now.isComplete else { return .arriving(number) }
    return .received(number, transfer.offer)
  }

  private mutating func receiveChunkAcknowledgement(
    _ body: Span<UInt8>, now: Timestamp
  ) -> SessionEvent {
    guard let news = ChunkAcknowledgement(parsing: body) else { return .violation(.malformedMessage) }
    guard let outcome = transfers.receive(news, now: now, timeout: roundTrip.timeout) else {
      return .nothing
    }
    switch outcome {
    case .nothing:
      return .nothing
    case .taken(let advanced, let sample):
      roundTrip.heardFromReceiver()
      if let sample { roundTrip.measured(sample) }
      return advanced ? .departing(news.transfer) : .nothing
    case .impossible:
      withdraw(news.transfer, because: .invalid)
      return .violation(.impossibleTransfer(news.transfer))
    }
  }
}
