/// The first octet of a PDU of the Security Manager (Core specification, Vol 3 Part H §3.3). The others are reserved,
/// and PDUs with them are ignored.
enum SecurityCommand: UInt8, Sendable {
  case pairingRequest = 0x01
  case pairingResponse = 0x02
  case pairingConfirm = 0x03
  case pairingRandom = 0x04
  case pairingFailed = 0x05
  case encryptionInformation = 0x06
  case centralIdentification = 0x07
  case identityInformation = 0x08
  case identityAddressInformation = 0x09
  case signingInformation = 0x0a
  case securityRequest = 0x0b
  case pairingPublicKey = 0x0c
  case pairingCheck = 0x0d
  case keypressNotification = 0x0e

  /// Number of octets of the whole PDU.
  var length: Int {
    switch self {
    case .pairingRequest, .pairingResponse: 7
    case .pairingConfirm, .pairingRandom, .encryptionInformation, .identityInformation, .signingInformation,
      .pairingCheck:
      17
    case .pairingFailed, .securityRequest, .keypressNotification: 2
    case .centralIdentification: 11
    case .identityAddressInformation: 8
    case .pairingPublicKey: 65
    }
  }

  /// Whether a peripheral that pairs by LE Secure Connections ever takes it.
  var isSupported: Bool {
    switch self {
    case .pairingRequest, .pairingConfirm, .pairingRandom, .pairingFailed, .pairingPublicKey, .pairingCheck,
      .identityInformation, .identityAddressInformation:
      true
    case .pairingResponse, .encryptionInformation, .centralIdentification, .signingInformation,
      .securityRequest,
      .keypressNotification:
      false
    }
  }
}
