import Bytes

extension AttributeServer {
  /// Read (Core specification, Vol 3 Part F §3.4.4.3).
  mutating func read(
    _ request: Span<UInt8>, _ security: LinkSecurity, _ response: inout BoundedBytes
  ) throws(AttributeRefusal) {
    guard request.count == 3 else { throw AttributeRefusal(.invalidPDU) }
    try prepareReadable(request.littleEndian16(at: 1) ?? 0)
    response.append(AttributeOpcode.read + 1)
    appendValue(from: 0, limit: mtu - 1, to: &response)
  }

  /// Read Blob (§3.4.4.5): the rest of a long value. One that is not long is read like this as well.
  mutating func readBlob(
    _ request: Span<UInt8>, _ security: LinkSecurity, _ response: inout BoundedBytes
  ) throws(AttributeRefusal) {
    guard request.count == 5, let offset = request.littleEndian16(at: 3) else {
      throw AttributeRefusal(.invalidPDU)
    }
    let handle = request.littleEndian16(at: 1) ?? 0
    try prepareReadable(handle)
    guard Int(offset) <= valueCount else { throw AttributeRefusal(.invalidOffset, handle) }
    response.append(AttributeOpcode.readBlob + 1)
    appendValue(from: Int(offset), limit: mtu - 1, to: &response)
  }

  /// Read Multiple (§3.4.4.7) and Read Multiple Variable (§3.4.4.11): two attributes or more, one after the other,
  /// each with its length before it or not.
  mutating func readMultiple(
    _ request: Span<UInt8>, _ security: LinkSecurity, _ response: inout BoundedBytes, withLengths: Bool
  ) throws(AttributeRefusal) {
    guard request.count >= 5, request.count % 2 == 1 else { throw AttributeRefusal(.invalidPDU) }
    response.append(request[0] + 1)
    var offset = 1
    // All of them are looked at, as one that may not be read refuses the whole request; what does not fit is cut.
    while let handle = request.littleEndian16(at: offset) {
      try prepareReadable(handle)
      if withLengths, response.count + 2 <= mtu {
        response.append(littleEndian: UInt64(valueCount), width: 2)
      }
      appendValue(from: 0, limit: mtu - response.count, to: &response)
      offset += 2
    }
  }

  private mutating func prepareReadable(_ handle: UInt16) throws(AttributeRefusal) {
    guard let attribute = AttributeTable.attribute(handle) else {
      throw AttributeRefusal(.invalidHandle, handle)
    }
    if let refusal = Self.readRefusal(of: attribute) { throw AttributeRefusal(refusal, handle) }
    prepareValue(of: attribute, at: handle)
  }

  /// Write (§3.4.5.1).
  mutating func write(
    _ request: Span<UInt8>, _ security: LinkSecurity, _ response: inout BoundedBytes
  ) throws(AttributeRefusal) -> Outcome {
    guard let handle = request.littleEndian16(at: 1) else { throw AttributeRefusal(.invalidPDU) }
    guard let attribute = AttributeTable.attribute(handle) else {
      throw AttributeRefusal(.invalidHandle, handle)
    }
    let written = request.dropping(Self.valueOffset)
    var outcome = Outcome.configured
    switch attribute {
    case .configuration(let owner):
      if owner == .transmit, let lack = security.lack(for: dataRequirement) {
        throw AttributeRefusal(AttributeError(lack: lack), handle)
      }
      try configure(owner, written, handle)
    case .value(.clientFeatures, _):
      try setFeatures(written, handle)
    case .value(.pairing, _):
      guard written.count == 8, let nonce = written.littleEndian(at: 0, width: 8) else {
        throw AttributeRefusal(.invalidLength, handle)
      }
      guard boardNonce != nil else { throw AttributeRefusal(.valueNotAllowed, handle) }
      outcome = .nonce(nonce)
    default:
      throw AttributeRefusal(.writeNotPermitted, handle)
    }
    response.append(AttributeOpcode.write + 1)
    return outcome
  }

  private mutating func configure(
    _ owner: AttributeValue, _ written: Span<UInt8>, _ handle: UInt16
  ) throws(AttributeRefusal) {
    guard written.count == 2, let bits = written.littleEndian16(at: 0) else {
      throw AttributeRefusal(.invalidLength, handle)
    }
    // Bit 0 notifies, bit 1 indicates; each characteristic can do one of them.
    let possible: UInt16 = owner == .transmit ? 1 : 2
    guard bits & ~possible == 0 else { throw AttributeRefusal(.improperConfiguration, handle) }
    if owner == .transmit {
      configuration.notifies = bits != 0
    } else {
      configuration.indicatesChanges = bits != 0
    }
  }

  /// Client Supported Features (Part G §7.2): any length from one octet; what a peer can do it can for ever.
  private mutating func setFeatures(_ written: Span<UInt8>, _ handle: UInt16) throws(AttributeRefusal) {
    guard written.count >= 1 else { throw AttributeRefusal(.invalidLength, handle) }
    let features = written[0] & 0b111
    guard features & configuration.features == configuration.features else {
      throw AttributeRefusal(.valueNotAllowed, handle)
    }
    configuration.features = features
  }

  /// Write Command (§3.4.5.3): only the receive characteristic takes one, and nothing is said if it may not.
  mutating func command(_ pdu: Span<UInt8>, _ security: LinkSecurity) -> Outcome {
    guard pdu[0] == AttributeOpcode.writeCommand, pdu.count <= mtu,
      pdu.littleEndian16(at: 1) == AttributeTable.receiveHandle, security.lack(for: dataRequirement) == nil
    else { return .nothing }
    return .received
  }
}
