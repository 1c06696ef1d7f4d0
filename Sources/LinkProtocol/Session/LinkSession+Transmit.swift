public import Bytes

extension LinkSession {
  /// Writes the next frame to send, header to checksum, into `frame`.
  ///
  /// Order: handshake, acknowledgements, control messages, then chunks, so that control is never stuck behind
  /// bulk data. Call it until it answers false, or until the carrier takes no more.
  ///
  /// - Parameters:
  ///   - objects: where pieces of offered objects are read.
  ///   - frame: at least as large as the peer's longest frame.
  /// - Returns: false if there is nothing to send now.
  public mutating func nextFrame<Objects: ObjectAccess & ~Copyable>(
    now: Timestamp, objects: inout Objects, into frame: inout BoundedBytes
  ) -> Bool {
    if let session = unknownSession {
      unknownSession = nil
      begin(.unknownSession, session: session, &frame)
      return seal(&frame)
    }
    if nextHandshakeFrame(now: now, into: &frame) { return true }
    guard handshake.isEstablished else { return false }
    if let expected = control.takeAcknowledgement() {
      begin(.controlAcknowledgement, session: handshake.tag, &frame)
      frame.append(littleEndian: UInt64(expected), width: 2)
      return seal(&frame)
    }
    if let news = transfers.takeAcknowledgement() {
      begin(.chunkAcknowledgement, session: handshake.tag, &frame)
      news.encode(into: &frame)
      return seal(&frame)
    }
    begin(.control, session: handshake.tag, &frame)
    if control.nextMessage(now: now, timeout: roundTrip.timeout, into: &frame) { return seal(&frame) }
    if nextChunk(now: now, objects: &objects, into: &frame) { return true }
    // After everything that was queued, so that nothing said before the farewell is lost to it.
    if farewellDue, control.isIdle {
      farewellDue = false
      begin(.farewell, session: handshake.tag, &frame)
      _ = seal(&frame)
      beginConversation()
      handshake.farewellSent()
      return true
    }
    return false
  }

  private mutating func begin(_ kind: FrameKind, session: UInt16, _ frame: inout BoundedBytes) {
    Frame.begin(FrameHeader(kind: kind, session: session, sequence: sequence), into: &frame)
  }

  private mutating func seal(_ frame: inout BoundedBytes) -> Bool {
    Frame.seal(&frame)
    sequence &+= 1
    statistics.framesSent &+= 1
    return true
  }

  @inline(never)
  private mutating func nextHandshakeFrame(now: Timestamp, into frame: inout BoundedBytes) -> Bool {
    switch handshake {
    case .gateway(var gateway):
      guard let greeting = gateway.greetingToSend(now: now) else { return false }
      handshake = .gateway(gateway)
      // A frame number in the session that is being opened.
      begin(.greeting, session: gateway.tag, &frame)
      greeting.encode(into: &frame)
      return seal(&frame)
    case .board(var board):
      guard let reply = board.takeReply() else { return false }
      handshake = .board(board)
      switch reply {
      case .welcome(let welcome):
        begin(.welcome, session: UInt16(truncatingIfNeeded: welcome.session), &frame)
        welcome.encode(into: &frame)
      case .refusal(let refusal, let session):
        begin(.refusal, session: session, &frame)
        refusal.encode(into: &frame)
      }
      return seal(&frame)
    }
  }

  @inline(never)
  private mutating func nextChunk<Objects: ObjectAccess & ~Copyable>(
    now: Timestamp, objects: inout Objects, into frame: inout BoundedBytes
  ) -> Bool {
    guard sourceFailure == nil, let chunk = transfers.nextChunk(),
      let offer = transfers.outgoingOffer(chunk.transfer)
    else { return false }
    begin(.chunk, session: handshake.tag, &frame)
    frame.append(littleEndian: UInt64(chunk.transfer), width: 2)
    frame.append(littleEndian: UInt64(chunk.offset), width: 4)
    let start = frame.count
    frame.appendZeros(chunk.length)
    var whole = frame.mutableSpan
    var data = whole._mutatingExtracting(start..<start + chunk.length)
    guard objects.read(offer.name, at: chunk.offset, into: &data) else {
      withdraw(chunk.transfer, because: .sourceFailed)
      // No chunk goes out before the owner was told, so that two failures cannot hide each other.
      sourceFailure = (chunk.transfer, offer, now)
      return false
    }
    transfers.sent(
      chunk.transfer, chunk.index, length: chunk.length, sequence: sequence, now: now,
      timeout: roundTrip.timeout)
    return seal(&frame)
  }

  // MARK: Time

  /// When ``timeOut(now:)`` has to be called at the latest.
  public var nextDeadline: Timestamp? {
    var deadline = handshake.nextDeadline
    guard handshake.isEstablished else { return deadline }
    deadline = .earliest(deadline, sourceFailure?.at)
    deadline = .earliest(deadline, control.nextDeadline)
    deadline = .earliest(deadline, transfers.nextDeadline)
    switch handshake {
    case .gateway: return .earliest(deadline, lastHeard + Self.keepAlive)
    case .board: return .earliest(deadline, lastHeard + Self.boardPatience)
    }
  }

  /// Time passed. Frames may have to be sent afterwards.
  public mutating func timeOut(now: Timestamp) -> SessionEvent {
    guard handshake.isEstablished else { return .nothing }
    if let failed = sourceFailure {
      sourceFailure = nil
      return .declined(failed.transfer, failed.object, .sourceFailed)
    }
    if let due = control.nextDeadline, due <= now {
      roundTrip.timedOut()
      guard control.timeOut(now: now) else { return end(.peerSilent, now: now) }
    }
    if transfers.timeOut(now: now, timeout: roundTrip.timeout) { roundTrip.timedOut() }
    switch handshake {
    case .gateway:
      guard lastHeard + Self.keepAlive <= now else { return .nothing }
      // The acknowledgement is the sign of life. If messages wait for one already, theirs will do.
      lastHeard = now
      if control.isIdle { _ = enqueue(.statusRequest) }
      return .nothing
    case .board:
      return lastHeard + Self.boardPatience <= now ? end(.peerSilent, now: now) : .nothing
    }
  }

  /// What became complete without a frame: an object that was accepted and lacked no byte. Ask after
  /// ``accept(_:_:held:now:)``.
  public mutating func takeCompleted() -> SessionEvent {
    guard let transfer = transfers.takeCompletedAtOnce() else { return .nothing }
    return .received(transfer.number, transfer.offer)
  }
}
