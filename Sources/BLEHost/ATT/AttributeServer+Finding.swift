import Bytes

extension AttributeServer {
  /// Find Information (Core specification, Vol 3 Part F §3.4.3.1): handles and types, as many as fit that have UUIDs
  /// of one length.
  mutating func findInformation(
    _ request: Span<UInt8>, _ response: inout BoundedBytes
  ) throws(AttributeRefusal) {
    guard request.count == 5 else { throw AttributeRefusal(.invalidPDU) }
    let range = try HandleRange(of: request)
    guard let first = AttributeTable.attribute(range.first) else {
      throw AttributeRefusal(.attributeNotFound, range.first)
    }
    let isLong = AttributeTable.type(of: first).isOwn
    response.append(AttributeOpcode.findInformation + 1)
    response.append(isLong ? 2 : 1)
    var handle = range.first
    while handle <= range.last, let attribute = AttributeTable.attribute(handle) {
      let type = AttributeTable.type(of: attribute)
      guard type.isOwn == isLong, response.count + 2 + type.byteCount <= mtu else { break }
      response.append(littleEndian: UInt64(handle), width: 2)
      type.append(to: &response)
      handle += 1
    }
  }

  /// Find By Type Value (§3.4.3.3): groups of which the first attribute has this type and value.
  mutating func findByTypeValue(
    _ request: Span<UInt8>, _ security: LinkSecurity, _ response: inout BoundedBytes
  ) throws(AttributeRefusal) {
    guard request.count >= 7, let number = request.littleEndian16(at: 5) else {
      throw AttributeRefusal(.invalidPDU)
    }
    let range = try HandleRange(of: request)
    let wanted = request.dropping(7)
    response.append(AttributeOpcode.findByTypeValue + 1)
    var handle = range.first
    while handle <= range.last, let attribute = AttributeTable.attribute(handle), response.count + 4 <= mtu {
      if AttributeTable.type(of: attribute) == .sig(number), Self.readRefusal(of: attribute) == nil {
        prepareValue(of: attribute, at: handle)
        if valueEquals(wanted) || isService(attribute, uuid: wanted) {
          response.append(littleEndian: UInt64(handle), width: 2)
          response.append(littleEndian: UInt64(AttributeTable.endOfGroup(handle)), width: 2)
        }
      }
      handle += 1
    }
    guard response.count > 1 else { throw AttributeRefusal(.attributeNotFound, range.first) }
  }

  /// Whether this is the service of that UUID, however long it is written.
  private func isService(_ attribute: AttributeTable.Attribute, uuid: Span<UInt8>) -> Bool {
    if case .service(let type, _) = attribute { return type == AttributeType(uuid) }
    return false
  }

  /// Read By Type (§3.4.4.1): handles and values of the attributes of one type, as many as fit that have values of one
  /// length.
  mutating func readByType(
    _ request: Span<UInt8>, _ security: LinkSecurity, _ response: inout BoundedBytes
  ) throws(AttributeRefusal) {
    guard request.count == 7 || request.count == 21 else { throw AttributeRefusal(.invalidPDU) }
    let range = try HandleRange(of: request)
    let wanted = AttributeType(request.dropping(5))
    response.append(AttributeOpcode.readByType + 1)
    var entryLength = 0
    var handle = range.first
    while handle <= range.last, let attribute = AttributeTable.attribute(handle) {
      if AttributeTable.type(of: attribute) == wanted {
        if let refusal = Self.readRefusal(of: attribute) {
          // It ends the list; only where there is no list yet it is what is answered.
          if entryLength == 0 { throw AttributeRefusal(refusal, handle) }
          break
        }
        prepareValue(of: attribute, at: handle)
        let length = 2 + min(valueCount, mtu - 4, 253)
        if entryLength == 0 {
          entryLength = length
          response.append(UInt8(truncatingIfNeeded: length))
        }
        guard length == entryLength, response.count + length <= mtu else { break }
        response.append(littleEndian: UInt64(handle), width: 2)
        appendValue(from: 0, limit: length - 2, to: &response)
      }
      handle += 1
    }
    guard entryLength > 0 else { throw AttributeRefusal(.attributeNotFound, range.first) }
  }

  /// Read By Group Type (§3.4.4.9): the services, as many as fit that have UUIDs of one length.
  mutating func readByGroupType(
    _ request: Span<UInt8>, _ response: inout BoundedBytes
  ) throws(AttributeRefusal) {
    guard request.count == 7 || request.count == 21 else { throw AttributeRefusal(.invalidPDU) }
    let range = try HandleRange(of: request)
    let wanted = AttributeType(request.dropping(5))
    guard wanted == .primaryService || wanted == .secondaryService else {
      throw AttributeRefusal(.unsupportedGroupType, range.first)
    }
    response.append(AttributeOpcode.readByGroupType + 1)
    var entryLength = 0
    var handle = range.first
    while handle <= range.last, let attribute = AttributeTable.attribute(handle) {
      if case .service(let type, let last) = attribute, wanted == .primaryService {
        let length = 4 + type.byteCount
        if entryLength == 0 {
          entryLength = length
          response.append(UInt8(truncatingIfNeeded: length))
        }
        guard length == entryLength, response.count + length <= mtu else { break }
        response.append(littleEndian: UInt64(handle), width: 2)
        response.append(littleEndian: UInt64(last), width: 2)
        type.append(to: &response)
      }
      handle += 1
    }
    guard entryLength > 0 else { throw AttributeRefusal(.attributeNotFound, range.first) }
  }
}
