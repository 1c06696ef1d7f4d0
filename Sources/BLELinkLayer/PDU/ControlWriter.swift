/// A control PDU that is being written, 27 octets at most.
struct ControlWriter: Sendable {
  private(set) var octets = InlineArray<27, UInt8>(repeating: 0)
  private(set) var count = 0

  init(_ opcode: UInt8) { append(opcode) }

  var opcode: UInt8 { octets[0] }

  mutating func append(_ octet: UInt8) {
    guard count < 27 else { return }
    octets[count] = octet
    count += 1
  }

  mutating func append(_ value: UInt64, width: Int) {
    for i in 0..<width { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * i))) }
  }

  static func reject(_ opcode: UInt8, error: UInt8, isExtended: Bool) -> ControlWriter {
    var pdu = ControlWriter(isExtended ? ControlOpcode.extendedReject : ControlOpcode.reject)
    if isExtended { pdu.append(opcode) }
    pdu.append(error)
    return pdu
  }

  static func features(_ opcode: UInt8, _ features: LinkFeatures) -> ControlWriter {
    var pdu = ControlWriter(opcode)
    pdu.append(features.rawValue, width: 8)
    return pdu
  }

  static func lengths(_ opcode: UInt8, _ lengths: DataLengths) -> ControlWriter {
    var pdu = ControlWriter(opcode)
    pdu.append(UInt64(lengths.receive), width: 2)
    pdu.append(UInt64(lengths.receiveTime), width: 2)
    pdu.append(UInt64(lengths.transmit), width: 2)
    pdu.append(UInt64(lengths.transmitTime), width: 2)
    return pdu
  }
}
