import Cryptography

extension LinkLayer {
  /// LL_ENC_REQ: the two sides exchange their halves, and the host is asked for the key.
  mutating func encryptionRequested(
    _ random: UInt64, _ diversifier: UInt16, _ keyDiversifier: UInt64, _ vector: UInt32
  ) {
    guard let connection, configuration.features.contains(.encryption) else {
      return answerUnknown(ControlOpcode.encryptionRequest)
    }
    guard connection.encryption.phase == .off || connection.encryption.phase == .paused else {
      return violated()
    }
    let noise = self.random.block()
    let own = UInt64(noise.words[0]) << 32 | UInt64(noise.words[1])
    let ownVector = noise.words[2]
    self.connection?.encryption.keyDiversifier = (keyDiversifier, own)
    self.connection?.encryption.vector = UInt64(vector) | UInt64(ownVector) << 32
    self.connection?.encryption.phase = .awaitingKey
    self.connection?.centralDeadline = nil
    var pdu = ControlWriter(ControlOpcode.encryptionResponse)
    pdu.append(own, width: 8)
    pdu.append(UInt64(ownVector), width: 4)
    send(pdu)
    reportKeyRequest(random: random, diversifier: diversifier)
  }

  /// Acts upon what the host said. Without a key the request is rejected; where encryption was on before, the
  /// connection ends, for nothing may go on in clear text (§5.1.3.1).
  mutating func answerKeyRequest(now: RadioTime) {
    guard let connection, let answer = connection.keyAnswer, freeTransmit.count >= 1 else { return }
    self.connection?.keyAnswer = nil
    guard connection.encryption.phase == .awaitingKey else { return }
    switch answer {
    case .key(let key):
      self.connection?.encryption.begin(longTermKey: key, &cipher)
      send(ControlWriter(ControlOpcode.startEncryptionRequest))
      self.connection?.encryption.phase = .awaitingStart
      self.connection?.encryption.encryptsReceive = true
      self.connection?.centralDeadline = now + Connection.responseTimeout
    case .none where connection.encryption.isRefresh:
      self.connection?.terminating = (ErrorCode.keyMissing, ErrorCode.localHostTerminated)
    case .none:
      self.connection?.encryption.phase = .off
      send(
        .reject(
          ControlOpcode.encryptionRequest, error: ErrorCode.keyMissing,
          isExtended: connection.hasExtendedReject))
    }
  }

  /// LL_START_ENC_RSP, which was encrypted: both have the key.
  mutating func encryptionStarted() {
    guard let connection, connection.encryption.phase == .awaitingStart else { return violated() }
    self.connection?.encryption.encryptsTransmit = true
    send(ControlWriter(ControlOpcode.startEncryptionResponse))
    self.connection?.encryption.phase = .on
    self.connection?.encryption.isRefresh = false
    self.connection?.centralDeadline = nil
    reportEncrypted(isRefresh: connection.encryption.isRefresh)
  }

  /// LL_PAUSE_ENC_REQ: the key is to be changed. What is on its way goes on its way encrypted.
  mutating func encryptionPaused(now: RadioTime) {
    guard let connection, connection.encryption.phase == .on else { return violated() }
    send(ControlWriter(ControlOpcode.pauseEncryptionResponse))
    self.connection?.encryption.phase = .pausing
    self.connection?.encryption.isRefresh = true
    self.connection?.encryption.encryptsReceive = false
    self.connection?.centralDeadline = now + Connection.responseTimeout
  }

  /// The central's LL_PAUSE_ENC_RSP, in clear text.
  mutating func encryptionPauseConfirmed() {
    guard connection?.encryption.phase == .pausing else { return violated() }
    connection?.encryption.phase = .paused
    connection?.encryption.encryptsTransmit = false
  }
}
