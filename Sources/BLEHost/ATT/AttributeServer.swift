import Bytes

/// What a bonded peer has configured on a board, kept with its bond (Core specification, Vol 3 Part G §3.3.3.3).
public struct ClientConfiguration: Sendable, Equatable {
  /// Bit 0: indications of Service Changed. Bit 1: notifications of the transmit characteristic.
  /// Bits 4 to 6: the features of Client Supported Features, bits 0 to 2.
  public var rawValue: UInt8

  /// What a peer that was never seen before has: nothing.
  public static let none = ClientConfiguration(rawValue: 0)

  /// A configuration as it was kept; bits without a meaning are dropped.
  public init(rawValue: UInt8) { self.rawValue = rawValue & 0b0111_0011 }

  var indicatesChanges: Bool {
    get { rawValue & 1 != 0 }
    set { rawValue = rawValue & ~1 | (newValue ? 1 : 0) }
  }
  var notifies: Bool {
    get { rawValue & 2 != 0 }
    set { rawValue = rawValue & ~2 | (newValue ? 2 : 0) }
  }
  var features: UInt8 {
    get { rawValue >> 4 }
    set { rawValue = rawValue & 0x0f | newValue << 4 }
  }
}

/// The Attribute Protocol's server over the frozen table: takes one PDU, writes what is to be answered.
struct AttributeServer: ~Copyable {
  /// The MTU of an LE link on which none was agreed upon.
  static let defaultMTU = 23

  /// What a PDU did besides being answered.
  enum Outcome: Equatable {
    case nothing
    /// The peer wrote to the receive characteristic: what it wrote begins at ``valueOffset`` of the PDU.
    case received
    case configured
    /// The peer wrote its nonce of the next attempt to pair by cable.
    case nonce(UInt64)
  }

  /// Offset of the value in a write.
  static let valueOffset = 3

  let texts: DeviceTexts
  let dataRequirement: SecurityRequirement
  private let maximumMTU: Int
  private var isMTUAgreed = false

  /// The longest PDU that both sides take.
  private(set) var mtu = AttributeServer.defaultMTU
  /// What the peer has configured.
  var configuration = ClientConfiguration.none
  /// What the identity characteristic says.
  var identity: BoardIdentity
  /// The board's nonce of the next attempt to pair by cable; nil while it would not pair like that.
  var boardNonce: UInt64?
  var preferredParameters: ConnectionParameters

  /// Where values are put together to be compared or sent.
  private var value = BoundedBytes(capacity: ShortText.capacity)

  init(
    texts: DeviceTexts, identity: BoardIdentity, dataRequirement: SecurityRequirement, maximumMTU: Int,
    preferredParameters: ConnectionParameters
  ) {
    self.texts = texts
    self.identity = identity
    self.dataRequirement = dataRequirement
    self.maximumMTU = maximumMTU
    self.preferredParameters = preferredParameters
  }

  /// A connection begins or is gone.
  mutating func reset() {
    mtu = Self.defaultMTU
    isMTUAgreed = false
    configuration = .none
  }

  /// Takes a PDU of the peer.
  ///
  /// - Parameter response: gets what is to be sent, or stays empty. Holds the maximum MTU.
  mutating func receive(
    _ pdu: Span<UInt8>, security: LinkSecurity, response: inout BoundedBytes
  ) -> Outcome {
    response.removeAll()
    guard pdu.count > 0 else { return .nothing }
    let opcode = pdu[0]
    if opcode & AttributeOpcode.commandBit != 0 { return command(pdu, security) }
    // Odd ones are answers and notifications: this side has asked for nothing. An indication wants its confirmation.
    if opcode & 1 != 0 {
      if opcode == AttributeOpcode.indication { response.append(AttributeOpcode.confirmation) }
      return .nothing
    }
    if opcode == AttributeOpcode.confirmation { return .nothing }
    do throws(AttributeRefusal) {
      let outcome = try answer(pdu, security, &response)
      response.truncate(to: mtu)
      if opcode == AttributeOpcode.exchangeMTU { agree(on: pdu) }
      return outcome
    } catch {
      response.removeAll()
      response.append(AttributeOpcode.error)
      response.append(opcode)
      response.append(littleEndian: UInt64(error.handle), width: 2)
      response.append(error.error.rawValue)
      return .nothing
    }
  }

  private mutating func answer(
    _ request: Span<UInt8>, _ security: LinkSecurity, _ response: inout BoundedBytes
  ) throws(AttributeRefusal) -> Outcome {
    switch request[0] {
    case AttributeOpcode.exchangeMTU: try exchangeMTU(request, &response)
    case AttributeOpcode.findInformation: try findInformation(request, &response)
    case AttributeOpcode.findByTypeValue: try findByTypeValue(request, security, &response)
    case AttributeOpcode.readByType: try readByType(request, security, &response)
    case AttributeOpcode.read: try read(request, security, &response)
    case AttributeOpcode.readBlob: try readBlob(request, security, &response)
    case AttributeOpcode.readMultiple: try readMultiple(request, security, &response, withLengths: false)
    case AttributeOpcode.readMultipleVariable:
      try readMultiple(request, security, &response, withLengths: true)
    case AttributeOpcode.readByGroupType: try readByGroupType(request, &response)
    case AttributeOpcode.write: return try write(request, security, &response)
    // Prepared writes among them: no value here is longer than the shortest write.
    default: throw AttributeRefusal(.requestNotSupported)
    }
    return .nothing
  }

  private mutating func exchangeMTU(
    _ request: Span<UInt8>, _ response: inout BoundedBytes
  ) throws(AttributeRefusal) {
    guard request.count == 3 else { throw AttributeRefusal(.invalidPDU) }
    // Once in a connection: a second one would change the length of what is under way.
    guard !isMTUAgreed else { throw AttributeRefusal(.requestNotSupported) }
    response.append(AttributeOpcode.exchangeMTU + 1)
    response.append(littleEndian: UInt64(maximumMTU), width: 2)
  }

  private mutating func agree(on request: Span<UInt8>) {
    guard let theirs = request.littleEndian16(at: 1) else { return }
    isMTUAgreed = true
    mtu = max(Self.defaultMTU, min(Int(theirs), maximumMTU))
  }

  // MARK: Values

  /// The value of an attribute, put together in ``value``.
  mutating func prepareValue(of attribute: AttributeTable.Attribute, at handle: UInt16) {
    value.removeAll()
    switch attribute {
    case .service(let type, _):
      type.append(to: &value)
    case .characteristic(let type, let properties):
      value.append(properties)
      value.append(littleEndian: UInt64(handle) + 1, width: 2)
      type.append(to: &value)
    case .configuration(let owner):
      let bits: UInt64 =
        owner == .transmit
        ? (configuration.notifies ? 1 : 0) : (configuration.indicatesChanges ? 2 : 0)
      value.append(littleEndian: bits, width: 2)
    case .value(let which, _):
      prepare(which)
    }
  }

  private mutating func prepare(_ which: AttributeValue) {
    switch which {
    case .deviceName: Self.append(texts.name, to: &value)
    // Sensor, of no particular kind.
    case .appearance: value.append(littleEndian: 0x0540, width: 2)
    case .preferredParameters: preferredParameters.append(to: &value)
    case .clientFeatures: value.append(configuration.features)
    case .databaseHash:
      // Least significant octet first.
      value.append(littleEndian: AttributeTable.databaseHash.1, width: 8)
      value.append(littleEndian: AttributeTable.databaseHash.0, width: 8)
    case .manufacturer: Self.append(texts.manufacturer, to: &value)
    case .model: Self.append(texts.model, to: &value)
    case .serialNumber: identity.appendSerialNumber(to: &value)
    case .firmware: Self.append(texts.firmware, to: &value)
    case .hardware: Self.append(texts.hardware, to: &value)
    case .identity: identity.append(to: &value)
    case .pairing: if let boardNonce { value.append(littleEndian: boardNonce, width: 8) }
    case .serviceChanged, .receive, .transmit: break
    }
  }

  private static func append(_ text: ShortText, to bytes: inout BoundedBytes) {
    bytes.append(contentsOf: text.span)
  }

  /// Octets of the value that was prepared.
  var valueCount: Int { value.count }

  /// Whether the value that was prepared is this one.
  func valueEquals(_ other: Span<UInt8>) -> Bool { value.span.equals(other) }

  /// Appends the value that was prepared from `offset` on, at most `limit` octets of it.
  func appendValue(from offset: Int, limit: Int, to response: inout BoundedBytes) {
    let end = min(value.count, offset + max(limit, 0))
    if offset < end { response.append(contentsOf: value.span.extracting(offset..<end)) }
  }

  /// Why an attribute may not be read; nil if it may.
  static func readRefusal(of attribute: AttributeTable.Attribute) -> AttributeError? {
    switch attribute {
    case .value(.receive, _), .value(.transmit, _), .value(.serviceChanged, _): .readNotPermitted
    default: nil
    }
  }
}
