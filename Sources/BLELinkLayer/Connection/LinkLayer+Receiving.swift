extension LinkLayer {
  /// Looks at the oldest packet that came, if there is room for what follows from it.
  ///
  /// - Returns: whether there was one.
  mutating func readInbox(now: RadioTime) -> Bool {
    guard let packet = inbox.first, connection != nil, hasRoom(for: packet) else { return false }
    _ = inbox.removeFirst()
    if !decrypt(packet) {
      released.append(packet)
      counters.violations &+= 1
      drop(ErrorCode.micFailure)
    } else if packet.kind == 3 {
      let pdu = ControlPDU(parsing: memory.payload(of: packet.buffer))
      released.append(packet)
      received(pdu, now: now)
    } else {
      receivedData(packet)
    }
    return true
  }

  /// A control PDU wants a buffer for what it is answered with, and room for the event that it may lead to. One that is
  /// not looked at yet waits, and in the end the peer with it.
  private mutating func hasRoom(for packet: Packet) -> Bool {
    guard packet.kind == 3, let connection else { return true }
    // What came in clear text must not look as if it came after encryption began.
    if connection.encryption.phase == .awaitingStart, !delivery.isEmpty { return false }
    return freeTransmit.count >= 1 && events.hasRoom
  }

  /// - Returns: false if the packet was not encrypted with the key, or not at all.
  private mutating func decrypt(_ packet: Packet) -> Bool {
    guard let encryption = connection?.encryption, encryption.encryptsReceive else { return true }
    // A central that has not yet seen that it is to encrypt may still end the connection or reject a procedure of ours;
    // what is encrypted is longer.
    if encryption.phase == .awaitingStart, packet.kind == 3, packet.length <= 3 {
      switch memory[packet.buffer, 2] {
      case ControlOpcode.terminate, ControlOpcode.reject, ControlOpcode.extendedReject: return true
      default: break
      }
    }
    return connection?.encryption.decrypt(packet.buffer, of: memory, &cipher) ?? false
  }

  private mutating func receivedData(_ packet: Packet) {
    guard let connection else { return }
    if connection.encryption.isBusy {
      // Nobody may send data until encryption has begun: somebody else did (§5.1.3.1).
      released.append(packet)
      counters.violations &+= 1
      return drop(ErrorCode.micFailure)
    }
    let length = memory[packet.buffer, 1]
    guard packet.kind != 0, length <= UInt8(DataLengths.longest) else {
      released.append(packet)
      counters.violations &+= 1
      return
    }
    delivery.append(packet)
  }

  // MARK: Control PDUs

  private mutating func received(_ pdu: ControlPDU, now: RadioTime) {
    switch pdu {
    case .connectionUpdate(let update): received(update)
    case .channelMap(let map, let instant):
      guard isToCome(instant) else { return }
      guard map.count >= 2 else { return violated() }
      connection?.timing.pendingMap = (map, instant)
    case .terminate(let reason): drop(reason)
    case .featureRequest(let features): receivedFeatures(features, isRequest: true)
    case .featureResponse(let features): receivedFeatures(features, isRequest: false)
    case .version(let version): received(version)
    case .pingRequest: send(ControlWriter(ControlOpcode.pingResponse))
    case .lengthRequest(let lengths): receivedLengths(lengths, isRequest: true)
    case .lengthResponse(let lengths): receivedLengths(lengths, isRequest: false)
    case .phyRequest(let transmit, let receive):
      receivedPHYRequest(transmit: transmit, receive: receive, now: now)
    case .phyUpdate(let toPeripheral, let toCentral, let instant):
      received(toPeripheral: toPeripheral, toCentral: toCentral, instant: instant)
    case .unknownResponse(let opcode): refused(opcode, error: ErrorCode.unsupportedRemoteFeature)
    case .reject(let opcode, let error): refused(opcode, error: error)
    case .encryptionRequest(let random, let diversifier, let keyDiversifier, let vector):
      encryptionRequested(random, diversifier, keyDiversifier, vector)
    case .startEncryptionResponse: encryptionStarted()
    case .pauseEncryptionRequest: encryptionPaused(now: now)
    case .pauseEncryptionResponse: encryptionPauseConfirmed()
    case .unknown(let opcode): answerUnknown(opcode)
    }
  }

  /// What is not known is answered so; but never an answer with an answer.
  mutating func answerUnknown(_ opcode: UInt8) {
    guard opcode != ControlOpcode.unknownResponse else { return violated() }
    var pdu = ControlWriter(ControlOpcode.unknownResponse)
    pdu.append(opcode)
    send(pdu)
  }

  /// Something that no peer may send now; it is taken no notice of.
  mutating func violated() { counters.violations &+= 1 }

  /// Whether what a PDU announces is still to come; if not, the connection is lost, as the two sides no longer agree
  /// on it.
  mutating func isToCome(_ instant: UInt16) -> Bool {
    guard let connection else { return false }
    guard connection.timing.hasPassed(instant) else { return true }
    drop(ErrorCode.instantPassed)
    return false
  }

  private mutating func received(_ update: ConnectionUpdate) {
    guard isToCome(update.instant) else { return }
    // What cannot be obeyed cannot be lived with either.
    guard update.isValid else { return drop(ErrorCode.invalidLinkParameters) }
    connection?.timing.pendingUpdate = update
  }
}
