/// Numbers of the control PDUs (Core specification, Vol 6 Part B §2.4.2).
enum ControlOpcode {
  static let connectionUpdate: UInt8 = 0x00
  static let channelMap: UInt8 = 0x01
  static let terminate: UInt8 = 0x02
  static let encryptionRequest: UInt8 = 0x03
  static let encryptionResponse: UInt8 = 0x04
  static let startEncryptionRequest: UInt8 = 0x05
  static let startEncryptionResponse: UInt8 = 0x06
  static let unknownResponse: UInt8 = 0x07
  static let featureRequest: UInt8 = 0x08
  static let featureResponse: UInt8 = 0x09
  static let pauseEncryptionRequest: UInt8 = 0x0a
  static let pauseEncryptionResponse: UInt8 = 0x0b
  static let version: UInt8 = 0x0c
  static let reject: UInt8 = 0x0d
  static let peripheralFeatureRequest: UInt8 = 0x0e
  static let extendedReject: UInt8 = 0x11
  static let pingRequest: UInt8 = 0x12
  static let pingResponse: UInt8 = 0x13
  static let lengthRequest: UInt8 = 0x14
  static let lengthResponse: UInt8 = 0x15
  static let phyRequest: UInt8 = 0x16
  static let phyResponse: UInt8 = 0x17
  static let phyUpdate: UInt8 = 0x18
}

/// A control PDU from the central, as far as a peripheral takes it.
enum ControlPDU: Sendable, Equatable {
  case connectionUpdate(ConnectionUpdate)
  case channelMap(ChannelMap, instant: UInt16)
  case terminate(reason: UInt8)
  case encryptionRequest(random: UInt64, diversifier: UInt16, keyDiversifier: UInt64, vector: UInt32)
  case startEncryptionResponse
  case pauseEncryptionRequest
  case pauseEncryptionResponse
  /// The peer does not know the PDU with this opcode.
  case unknownResponse(UInt8)
  case featureRequest(LinkFeatures)
  case featureResponse(LinkFeatures)
  case version(PeerVersion)
  /// The opcode is nil if the peer did not say what it rejects.
  case reject(UInt8?, error: UInt8)
  case pingRequest
  case lengthRequest(DataLengths)
  case lengthResponse(DataLengths)
  case phyRequest(transmit: UInt8, receive: UInt8)
  case phyUpdate(toPeripheral: UInt8, toCentral: UInt8, instant: UInt16)
  /// One that is not known, is not for a peripheral, or has not the length of what it says to be.
  case unknown(UInt8)

  /// - Parameter payload: opcode and what follows; one octet at least.
  init(parsing payload: Span<UInt8>) {
    let opcode = payload.octet(0)
    guard payload.count == Self.length(of: opcode) else {
      self = .unknown(opcode)
      return
    }
    self = Self.parse(opcode, payload)
  }

  /// Octets of a PDU, opcode included; 0 if it is none that a peripheral takes.
  private static func length(of opcode: UInt8) -> Int {
    switch opcode {
    case ControlOpcode.connectionUpdate: 12
    case ControlOpcode.channelMap: 8
    case ControlOpcode.terminate: 2
    case ControlOpcode.encryptionRequest: 23
    case ControlOpcode.startEncryptionResponse: 1
    case ControlOpcode.unknownResponse: 2
    case ControlOpcode.featureRequest, ControlOpcode.featureResponse: 9
    case ControlOpcode.pauseEncryptionRequest, ControlOpcode.pauseEncryptionResponse: 1
    case ControlOpcode.version: 6
    case ControlOpcode.reject: 2
    case ControlOpcode.extendedReject: 3
    case ControlOpcode.pingRequest: 1
    case ControlOpcode.lengthRequest, ControlOpcode.lengthResponse: 9
    case ControlOpcode.phyRequest: 3
    case ControlOpcode.phyUpdate: 5
    default: 0
    }
  }

  private static func parse(_ opcode: UInt8, _ payload: Span<UInt8>) -> ControlPDU {
    switch opcode {
    case ControlOpcode.connectionUpdate: .connectionUpdate(ConnectionUpdate(parsing: payload))
    case ControlOpcode.channelMap:
      .channelMap(ChannelMap(bits: payload.number(1, width: 5)), instant: payload.word(6))
    case ControlOpcode.terminate: .terminate(reason: payload[1])
    case ControlOpcode.encryptionRequest:
      .encryptionRequest(
        random: payload.number(1, width: 8), diversifier: payload.word(9),
        keyDiversifier: payload.number(11, width: 8),
        vector: UInt32(truncatingIfNeeded: payload.number(19, width: 4)))
    case ControlOpcode.startEncryptionResponse: .startEncryptionResponse
    case ControlOpcode.unknownResponse: .unknownResponse(payload[1])
    case ControlOpcode.featureRequest: .featureRequest(LinkFeatures(rawValue: payload.number(1, width: 8)))
    case ControlOpcode.featureResponse: .featureResponse(LinkFeatures(rawValue: payload.number(1, width: 8)))
    case ControlOpcode.pauseEncryptionRequest: .pauseEncryptionRequest
    case ControlOpcode.pauseEncryptionResponse: .pauseEncryptionResponse
    case ControlOpcode.version:
      .version(PeerVersion(version: payload[1], company: payload.word(2), subversion: payload.word(4)))
    case ControlOpcode.reject: .reject(nil, error: payload[1])
    case ControlOpcode.extendedReject: .reject(payload[1], error: payload[2])
    case ControlOpcode.pingRequest: .pingRequest
    case ControlOpcode.lengthRequest: .lengthRequest(DataLengths(parsing: payload))
    case ControlOpcode.lengthResponse: .lengthResponse(DataLengths(parsing: payload))
    case ControlOpcode.phyRequest: .phyRequest(transmit: payload[1], receive: payload[2])
    case ControlOpcode.phyUpdate:
      .phyUpdate(toPeripheral: payload[1], toCentral: payload[2], instant: payload.word(3))
    default: .unknown(opcode)
    }
  }
}

/// What a peer's link layer says it is.
struct PeerVersion: Sendable, Equatable {
  var version: UInt8
  var company: UInt16
  var subversion: UInt16
}

/// Other parameters from an instant on (Vol 6 Part B §2.4.2.1).
struct ConnectionUpdate: Sendable, Equatable {
  var windowSize: UInt8
  var windowOffset: UInt16
  var parameters: LinkParameters
  var instant: UInt16

  init(parsing payload: Span<UInt8>) {
    windowSize = payload.octet(1)
    windowOffset = payload.word(2)
    parameters = LinkParameters(interval: payload.word(4), latency: payload.word(6), timeout: payload.word(8))
    instant = payload.word(10)
  }

  var isValid: Bool {
    parameters.areValid && parameters.allow(windowSize: windowSize, offset: windowOffset)
  }
}
