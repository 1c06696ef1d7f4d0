import Bytes
import Cryptography
public import LinkProtocol

extension SecurityManager {
  /// Takes a PDU of channel 6 from the central; any bytes.
  public mutating func received(pdu: Span<UInt8>, now: Timestamp) {
    guard addresses != nil, phase != .closed, pdu.count > 0, let command = SecurityCommand(rawValue: pdu[0])
    else { return }
    let content = pdu.extracting(1..<pdu.count)
    if command == .pairingFailed {
      if attempt != nil { end(.refusedByPeer(content.count > 0 ? content[0] : 0), now: now) }
      return
    }
    guard attempt != nil else {
      if command == .pairingRequest { begin(pdu, now: now) }
      return
    }
    guard command.isSupported else { return refuse(.commandNotSupported, now: now) }
    guard pdu.count == command.length else { return refuse(.invalidParameters, now: now) }
    // Nothing can be an answer to what was not sent yet.
    guard outgoing.isEmpty else { return refuse(.unspecified, now: now) }
    deadline = now + Self.timeout
    switch (phase, command) {
    case (.publicKey, .pairingPublicKey): publicKeyReceived(content, now: now)
    case (.confirm, .pairingConfirm): confirmReceived(content)
    case (.random, .pairingRandom): randomReceived(content, now: now)
    case (.check, .pairingCheck): checkReceived(content, now: now)
    case (.identityKey, .identityInformation): identityKeyReceived(content)
    case (.identityAddress, .identityAddressInformation): identityAddressReceived(content, now: now)
    default: refuse(.unspecified, now: now)
    }
  }

  // MARK: Phase 1: features

  private mutating func begin(_ pdu: Span<UInt8>, now: Timestamp) {
    outgoing.remove(.securityRequest)
    do throws(Refusal) {
      let request = try accepted(pdu, now: now)
      let usesPasskey = try requiresPasskey(request)
      var authentication: PairingFeatures.Authentication = [.secureConnections]
      if policy.isAuthenticated { authentication.insert(.manInTheMiddle) }
      let isBonding = isBondable && request.authentication.contains(.bonding)
      if isBonding { authentication.insert(.bonding) }
      // We distribute nothing: our address is no private one, and the long-term key needs no sending.
      let response = PairingFeatures(
        policy.isAuthenticated ? .displayOnly : .noInputNoOutput, authentication,
        initiatorKeys: isBonding ? request.initiatorKeys.intersection(.identity) : [], responderKeys: [])
      attempt = PairingAttempt(
        request: request, response: response, passkey: usesPasskey ? try passkey() : nil)
      phase = .publicKey
      outgoing.insert(.response)
      deadline = now + Self.timeout
      if !keys.isBusy { keys.makeKeys(&random) }
    } catch {
      failedReason = error.reason
      outgoing.insert(.failed)
      events.append(.pairingRefused(error.reason))
    }
  }

  /// Why a request is refused before a pairing begins.
  private struct Refusal: Error {
    let reason: PairingFailedReason
    init(_ reason: PairingFailedReason) { self.reason = reason }
  }

  /// The features of a request that may be answered.
  private func accepted(_ pdu: Span<UInt8>, now: Timestamp) throws(Refusal) -> PairingFeatures {
    guard let request = PairingFeatures(pdu.extracting(1..<pdu.count)) else {
      throw Refusal(.invalidParameters)
    }
    guard policy != .refused else { throw Refusal(.pairingNotSupported) }
    guard !pause.isHolding(at: now) else { throw Refusal(.repeatedAttempts) }
    guard request.authentication.contains(.secureConnections) else {
      throw Refusal(.authenticationRequirements)
    }
    guard request.maximumKeySize == 16 else { throw Refusal(.encryptionKeySize) }
    guard !request.hasOutOfBandData else { throw Refusal(.outOfBandNotAvailable) }
    return request
  }

  /// Whether it comes to a passkey (Vol 3 Part H §2.3.5.1, tables 2.7 and 2.8): if we display and the central has a
  /// keyboard.
  private func requiresPasskey(_ request: PairingFeatures) throws(Refusal) -> Bool {
    if policy.isAuthenticated {
      guard request.inputOutput.hasKeyboard else { throw Refusal(.authenticationRequirements) }
      return true
    }
    // Whoever takes the address of a central that once proved itself shall not take its place without a proof.
    if let bond, bond.isAuthenticated { throw Refusal(.authenticationRequirements) }
    return false
  }

  /// The passkey of this attempt; nil if the policy knows none.
  private mutating func passkey() throws(Refusal) -> UInt32? {
    switch policy {
    case .refused, .justWorks:
      return nil
    case .displayedPasskey:
      let passkey = CableSecret.passkey(from: random.block())
      isDisplaying = true
      events.append(.displayPasskey(passkey))
      return passkey
    case .cable(let secret):
      guard let gateway = gatewayNonce else { throw Refusal(.outOfBandNotAvailable) }
      let passkey = secret.passkey(boardNonce: boardNonce, gatewayNonce: gateway)
      gatewayNonce = nil
      drawNonce()
      return passkey
    }
  }

  // MARK: Phase 2: keys

  private mutating func publicKeyReceived(_ content: Span<UInt8>, now: Timestamp) {
    guard let key = P256.PublicKey(littleEndian: content), key.x != Self.debugKeyX else {
      return refuse(.checkFailed, now: now)
    }
    attempt?.peerKey = key
    phase = .ownKey
    if keys.publicKey != nil { answerPublicKey(now: now) }
  }

  /// The first coordinate of the key pair that everybody knows (Vol 3 Part H §2.3.5.6.1).
  private static var debugKeyX: Words256 {
    Words256(
      high: Block128(0x20b0_03d2, 0xf297_be2c, 0x5e2c_83a7, 0xe9f9_a5b9),
      low: Block128(0xeff4_9111, 0xacf4_fddb, 0xcc03_0148, 0x0e35_9de6))
  }

  private mutating func answerPublicKey(now: Timestamp) {
    guard let peer = attempt?.peerKey, let own = keys.publicKey else { return }
    // Our own key, sent back: whoever does so hopes that we prove to ourselves that he knows the passkey
    // (CVE-2020-26558).
    guard peer.x != own.x else { return refuse(.checkFailed, now: now) }
    outgoing.insert(.publicKey)
    keys.share(with: peer)
    if attempt?.passkey == nil {
      attempt?.ownNonce = random.block()
      outgoing.insert(.confirm)
      phase = .random
    } else {
      phase = .confirm
    }
  }

  private mutating func confirmReceived(_ content: Span<UInt8>) {
    guard let value = Block128(littleEndian: content) else { return }
    attempt?.peerConfirm = value
    attempt?.ownNonce = random.block()
    outgoing.insert(.confirm)
    phase = .random
  }

  private mutating func randomReceived(_ content: Span<UInt8>, now: Timestamp) {
    guard let nonce = Block128(littleEndian: content), let peer = attempt?.peerKey, let own = keys.publicKey,
      let passkeyByte = attempt?.confirmedByte, let committed = attempt?.peerConfirm
    else { return }
    attempt?.peerNonce = nonce
    if attempt?.passkey == nil {
      phase = .check
    } else {
      let confirm = SecurityFunctions.confirmValue(peer.x, own.x, nonce, passkeyByte)
      guard confirm == committed else { return refuse(.confirmValueFailed, now: now) }
      attempt?.round += 1
      phase = attempt?.round == PairingAttempt.rounds ? .check : .confirm
    }
    outgoing.insert(.random)
  }

  private mutating func checkReceived(_ content: Span<UInt8>, now: Timestamp) {
    attempt?.peerCheck = Block128(littleEndian: content)
    phase = .secret
    if keys.secret != nil { verify(now: now) }
  }

  private mutating func verify(now: Timestamp) {
    guard let attempt, let secret = keys.secret, let addresses, let peerCheck = attempt.peerCheck else {
      return
    }
    let (local, peer) = addresses
    let made = SecurityFunctions.keys(secret, attempt.peerNonce, attempt.ownNonce, peer, local)
    let number = attempt.checkedNumber
    let expected = SecurityFunctions.checkValue(
      made.macKey, attempt.peerNonce, attempt.ownNonce, number, attempt.request, peer, local)
    guard expected == peerCheck else { return refuse(.checkFailed, now: now) }
    self.attempt?.ownCheck = SecurityFunctions.checkValue(
      made.macKey, attempt.ownNonce, attempt.peerNonce, number, attempt.response, local, peer)
    self.attempt?.longTermKey = made.longTermKey
    outgoing.insert(.check)
    phase = .encryption
  }

  /// A multiplication is done: what waited for it goes on.
  mutating func computed(now: Timestamp) {
    switch phase {
    case .ownKey:
      deadline = now + Self.timeout
      answerPublicKey(now: now)
    case .secret:
      deadline = now + Self.timeout
      verify(now: now)
    default: break
    }
  }

  // MARK: Phase 3: identity

  private mutating func identityKeyReceived(_ content: Span<UInt8>) {
    guard let key = Block128(littleEndian: content) else { return }
    attempt?.peerResolvingKey = key
    phase = .identityAddress
  }

  private mutating func identityAddressReceived(_ content: Span<UInt8>, now: Timestamp) {
    guard content.count == 7, let kind = DeviceAddress.Kind(rawValue: content[0]),
      let address = DeviceAddress(kind: kind, littleEndian: content.extracting(1..<7)), address.isIdentity
    else { return refuse(.invalidParameters, now: now) }
    complete(identity: address)
  }
}
