/// The part of advertising that must be decided between a packet and its answer: whether a scanner or an initiator
/// means this device (Core specification, Vol 6 Part B §4.4.2). For the radio's interrupt, as ``ConnectionEvent``.
public struct AdvertisingEvent: Sendable {
  /// The own address, and whether it is random.
  var address: UInt64 = 0
  var isRandom = false
  var scanResponse = Packet(buffer: PacketMemory.scanResponse, length: 0)
  var scanResponseHeader: UInt8 = 0
  /// When the request to connect ended that is in the receive buffer; nil if there was none.
  private(set) var requestEnd: RadioTime?
  /// Requests of scanners that were answered, since the start.
  private(set) var scans: UInt32 = 0

  mutating func begin() { requestEnd = nil }

  /// A packet came after the advertisement.
  ///
  /// - Parameters:
  ///   - pdu: header and payload, as far as they fit the buffer.
  ///   - end: when its last bit ended.
  mutating func received(_ pdu: Span<UInt8>, isIntact: Bool, to end: RadioTime) -> Turn {
    guard isIntact, pdu.count >= 2 else { return .close }
    switch pdu[0] & 15 {
    case AdvertisingPDU.scanRequest where pdu[1] == 12 && isMeant(by: pdu):
      scans &+= 1
      return .transmit(scanResponse, header: scanResponseHeader)
    case AdvertisingPDU.connectRequest where pdu[1] == ConnectRequest.length && isMeant(by: pdu):
      requestEnd = end
      return .close
    default:
      return .close
    }
  }

  /// Both kinds of requests have the advertiser's address at the same place.
  @inline(__always)
  private func isMeant(by pdu: Span<UInt8>) -> Bool {
    guard pdu.count >= 14, (pdu[0] & 0x80 != 0) == isRandom else { return false }
    for i in 0..<6 where pdu[8 + i] != UInt8(truncatingIfNeeded: address &>> UInt64(8 &* i)) { return false }
    return true
  }
}
