import Bytes

/// What a device says of itself in a Pairing Request or Response (Core specification, Vol 3 Part H §3.5.1, §3.5.2).
struct PairingFeatures: Sendable {
  /// What a person can do at the device.
  enum InputOutput: UInt8, Sendable {
    case displayOnly = 0
    case displayYesNo = 1
    case keyboardOnly = 2
    case noInputNoOutput = 3
    case keyboardDisplay = 4

    /// Whether a person can type a passkey there.
    var hasKeyboard: Bool { self == .keyboardOnly || self == .keyboardDisplay }
  }

  /// The AuthReq octet.
  struct Authentication: OptionSet, Sendable {
    let rawValue: UInt8

    static let bonding = Self(rawValue: 0x01)
    static let manInTheMiddle = Self(rawValue: 0x04)
    static let secureConnections = Self(rawValue: 0x08)
  }

  /// Keys to be distributed.
  struct Keys: OptionSet, Sendable {
    let rawValue: UInt8

    /// The identity resolving key with the identity address.
    static let identity = Self(rawValue: 0x02)
  }

  /// Number of octets behind the code.
  static let octetCount = 6

  var inputOutput: InputOutput
  var hasOutOfBandData: Bool
  var authentication: Authentication
  /// 7…16 octets.
  var maximumKeySize: UInt8
  var initiatorKeys: Keys
  var responderKeys: Keys

  init(
    _ inputOutput: InputOutput, _ authentication: Authentication, initiatorKeys: Keys, responderKeys: Keys
  ) {
    self.inputOutput = inputOutput
    hasOutOfBandData = false
    self.authentication = authentication
    maximumKeySize = 16
    self.initiatorKeys = initiatorKeys
    self.responderKeys = responderKeys
  }

  /// Reads the octets behind the code; nil if a value is none of those that the specification knows. Reserved bits are
  /// kept, as they enter the check value, and otherwise ignored.
  init?(_ octets: Span<UInt8>) {
    guard octets.count == Self.octetCount, let inputOutput = InputOutput(rawValue: octets[0]), octets[1] <= 1,
      octets[2] & 0x03 <= 1, octets[3] >= 7, octets[3] <= 16
    else { return nil }
    self.inputOutput = inputOutput
    hasOutOfBandData = octets[1] == 1
    authentication = Authentication(rawValue: octets[2])
    maximumKeySize = octets[3]
    initiatorKeys = Keys(rawValue: octets[4])
    responderKeys = Keys(rawValue: octets[5])
  }

  func append(to octets: inout BoundedBytes) {
    octets.append(inputOutput.rawValue)
    octets.append(hasOutOfBandData ? 1 : 0)
    octets.append(authentication.rawValue)
    octets.append(maximumKeySize)
    octets.append(initiatorKeys.rawValue)
    octets.append(responderKeys.rawValue)
  }
}
