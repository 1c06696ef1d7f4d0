public import Bytes
import Cryptography

extension SecurityManager {
  /// Puts the next PDU for channel 6 into `pdu`, of at least ``maximumPDULength`` octets, in place of what it held;
  /// false if there is none.
  public mutating func nextPDU(into pdu: inout BoundedBytes) -> Bool {
    pdu.removeAll()
    if outgoing.remove(.failed) != nil {
      pdu.append(SecurityCommand.pairingFailed.rawValue)
      pdu.append(failedReason.rawValue)
    } else if let attempt, outgoing.remove(.response) != nil {
      pdu.append(SecurityCommand.pairingResponse.rawValue)
      attempt.response.append(to: &pdu)
    } else if let key = keys.publicKey, outgoing.remove(.publicKey) != nil {
      pdu.append(SecurityCommand.pairingPublicKey.rawValue)
      key.append(littleEndianTo: &pdu)
    } else if let attempt, let own = keys.publicKey, let peer = attempt.peerKey,
      outgoing.remove(.confirm) != nil
    {
      pdu.append(SecurityCommand.pairingConfirm.rawValue)
      SecurityFunctions.confirmValue(own.x, peer.x, attempt.ownNonce, attempt.confirmedByte)
        .append(littleEndianTo: &pdu)
    } else if let attempt, outgoing.remove(.random) != nil {
      pdu.append(SecurityCommand.pairingRandom.rawValue)
      attempt.ownNonce.append(littleEndianTo: &pdu)
    } else if let attempt, outgoing.remove(.check) != nil {
      pdu.append(SecurityCommand.pairingCheck.rawValue)
      attempt.ownCheck.append(littleEndianTo: &pdu)
    } else if outgoing.remove(.securityRequest) != nil {
      pdu.append(SecurityCommand.securityRequest.rawValue)
      pdu.append(requestedSecurity.rawValue)
    }
    return !pdu.isEmpty
  }

  /// What a Security Request asks for.
  private var requestedSecurity: PairingFeatures.Authentication {
    var requested: PairingFeatures.Authentication = [.secureConnections]
    if isBondable { requested.insert(.bonding) }
    if bond?.isAuthenticated ?? policy.isAuthenticated { requested.insert(.manInTheMiddle) }
    return requested
  }
}
