extension LinkLayer {
  /// Begins what is wanted, one procedure at a time (Core specification, Vol 6 Part B §5.1 and §5.3).
  mutating func beginProcedures(now: RadioTime) {
    guard let connection, freeTransmit.count >= 1 else { return }
    if let terminating = connection.terminating {
      guard !connection.sentTerminate else { return }
      var pdu = ControlWriter(ControlOpcode.terminate)
      pdu.append(terminating.reason)
      self.connection?.sentTerminate = true
      self.connection?.procedureDeadline = now + connection.timing.parameters.timeoutTime
      return send(pdu)
    }
    guard connection.procedure == nil, !connection.encryption.isBusy, connection.timing.isEstablished else {
      return
    }
    if connection.wanted.contains(.version) {
      self.connection?.wanted.remove(.version)
      guard !connection.sentVersion, connection.peerVersion == nil else { return }
      begin(.version, now: now)
      sendVersion()
    } else if connection.wanted.contains(.features) {
      self.connection?.wanted.remove(.features)
      begin(.features, now: now)
      send(.features(ControlOpcode.peripheralFeatureRequest, configuration.features))
    } else if connection.wanted.contains(.lengths) {
      self.connection?.wanted.remove(.lengths)
      begin(.lengths, now: now)
      send(.lengths(ControlOpcode.lengthRequest, connection.ownLengths))
    } else if connection.wanted.contains(.phys), connection.timing.eventsToInstant == nil {
      // Two procedures with an instant must not meet.
      self.connection?.wanted.remove(.phys)
      begin(.phys, now: now)
      sendPHYs(ControlOpcode.phyRequest, among: 3)
    }
  }

  private mutating func begin(_ procedure: LocalProcedure, now: RadioTime) {
    connection?.procedure = procedure
    connection?.procedureDeadline = now + Connection.responseTimeout
  }

  /// The peer has done its part of the procedure that this side began.
  mutating func finished(_ procedure: LocalProcedure) {
    guard connection?.procedure == procedure else { return }
    connection?.procedure = nil
    connection?.procedureDeadline = nil
  }

  /// The peer will not, or cannot. Without an opcode the procedure under way is meant.
  mutating func refused(_ opcode: UInt8?, error: UInt8) {
    guard let procedure = connection?.procedure, opcode == nil || opcode == procedure.opcode else {
      return violated()
    }
    finished(procedure)
    // It may only have come at a bad time. (A PHY the host has to ask for again: the central may have chosen one.)
    let isCollision = error == ErrorCode.collision || error == ErrorCode.differentTransactionCollision
    switch procedure {
    case .features where isCollision: connection?.wanted.insert(.features)
    case .features: reportFeatures(status: error)
    case .version: reportVersion(status: error)
    case .lengths: if isCollision { connection?.wanted.insert(.lengths) }
    case .phys: reportPHYs(status: error)
    }
  }

  // MARK: Features and versions

  mutating func receivedFeatures(_ features: LinkFeatures, isRequest: Bool) {
    connection?.peerFeatures = features
    if isRequest {
      // The first octet is what both can do, the others what this side can (§5.1.4).
      let own = configuration.features.rawValue
      let both = own & (features.rawValue | ~0xff)
      send(.features(ControlOpcode.featureResponse, LinkFeatures(rawValue: both)))
    } else {
      guard connection?.procedure == .features else { return violated() }
      finished(.features)
    }
    reportFeatures(status: ErrorCode.success)
    // Longer packets are worth asking for once, if the host would have them and the peer has not asked.
    if features.contains(.dataLength), configuration.features.contains(.dataLength),
      let connection, !connection.triedLengths, connection.ownLengths.transmit > DataLengths.shortest
    {
      self.connection?.triedLengths = true
      self.connection?.wanted.insert(.lengths)
    }
  }

  mutating func received(_ version: PeerVersion) {
    guard connection?.peerVersion == nil else { return violated() }
    connection?.peerVersion = version
    if connection?.sentVersion == false { sendVersion() }
    finished(.version)
    reportVersion(status: ErrorCode.success)
  }

  private mutating func sendVersion() {
    connection?.sentVersion = true
    var pdu = ControlWriter(ControlOpcode.version)
    pdu.append(configuration.version)
    pdu.append(UInt64(configuration.company), width: 2)
    pdu.append(UInt64(configuration.subversion), width: 2)
    send(pdu)
  }

  // MARK: Lengths

  mutating func receivedLengths(_ lengths: DataLengths, isRequest: Bool) {
    guard let connection else { return }
    let opcode = isRequest ? ControlOpcode.lengthRequest : ControlOpcode.lengthResponse
    guard configuration.features.contains(.dataLength) else { return answerUnknown(opcode) }
    if isRequest {
      self.connection?.triedLengths = true
      send(.lengths(ControlOpcode.lengthResponse, connection.ownLengths))
    } else {
      guard connection.procedure == .lengths else { return violated() }
      finished(.lengths)
    }
    let agreed = connection.ownLengths.agreed(with: lengths)
    guard agreed != connection.lengths else { return }
    self.connection?.lengths = agreed
    reportLengths(agreed)
  }

  // MARK: PHYs

  mutating func receivedPHYRequest(transmit: UInt8, receive: UInt8, now: RadioTime) {
    guard configuration.features.contains(.twoMegabit) else {
      return answerUnknown(ControlOpcode.phyRequest)
    }
    // The central's wins over one of ours that met it; it will reject ours (§5.3).
    sendPHYs(ControlOpcode.phyResponse, among: transmit & receive)
    connection?.centralDeadline = now + Connection.responseTimeout
  }

  /// - Parameter shared: PHYs that the peer takes in both directions.
  mutating func sendPHYs(_ opcode: UInt8, among shared: UInt8) {
    guard let connection else { return }
    var phys = connection.preferredPHYs
    if configuration.symmetricPHYsOnly {
      // The same single PHY in both fields: the central takes it for both directions, or changes nothing (§5.1.10).
      let both = phys.transmit & phys.receive & shared
      let one = both & 2 != 0 ? 2 : both & 1 != 0 ? 1 : connection.timing.receivePHY.rawValue
      phys = (one, one)
    }
    var pdu = ControlWriter(opcode)
    pdu.append(phys.transmit)
    pdu.append(phys.receive)
    send(pdu)
  }

  mutating func received(toPeripheral: UInt8, toCentral: UInt8, instant: UInt16) {
    guard let connection, configuration.features.contains(.twoMegabit) else {
      return answerUnknown(ControlOpcode.phyUpdate)
    }
    self.connection?.centralDeadline = nil
    // No bit: nothing changes in this direction.
    let receive = toPeripheral == 0 ? connection.timing.receivePHY : PHY(bit: toPeripheral)
    let transmit = toCentral == 0 ? connection.timing.transmitPHY : PHY(bit: toCentral)
    if receive == connection.timing.receivePHY, transmit == connection.timing.transmitPHY {
      finished(.phys)
      return reportPHYs(status: ErrorCode.success)
    }
    guard isToCome(instant) else { return }
    guard let receive, let transmit, receive == transmit || !configuration.symmetricPHYsOnly else {
      return drop(ErrorCode.invalidLinkParameters)
    }
    self.connection?.timing.pendingPHY = (receive, transmit, instant)
    finished(.phys)
  }

  /// The instant came, and the PHYs are others.
  mutating func phyUpdated() {
    connection?.hostAwaitsPHY = true
    reportPHYs(status: ErrorCode.success)
  }
}
