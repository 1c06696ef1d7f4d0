import BLESecurity
public import Bytes
public import LinkProtocol

extension BLEHost {
  /// Writes the next packet for the controller, type octet first; false if there is none, or the controller has no
  /// room for it.
  ///
  /// - Parameter packet: holds ``shortestPacketCapacity`` octets at least, better ``recommendedPacketCapacity``.
  public mutating func nextHCIPacket(into packet: inout BoundedBytes, now: Timestamp) -> Bool {
    packet.removeAll()
    if nextCommand(into: &packet, now: now) { return true }
    guard let link, phase == .ready, inFlight < setup.facts.aclCount else { return false }
    if transit == nil { transit = nextPDU(now: now) }
    guard var pdu = transit else { return false }
    let length = min(pdu.count - pdu.sent, setup.facts.aclLength, packet.capacity - 5)
    packet.append(H4Type.acl)
    // The packet boundary flag: 0 begins a PDU, 1 goes on with it.
    packet.append(littleEndian: UInt64(link.handle) | (pdu.sent == 0 ? 0 : 1 << 12), width: 2)
    packet.append(littleEndian: UInt64(length), width: 2)
    let end = pdu.sent + length
    while pdu.sent < min(end, pdu.headerLength) {
      packet.append(pdu.header[pdu.sent])
      pdu.sent += 1
    }
    if pdu.sent < end {
      let start = pdu.start + pdu.sent - pdu.headerLength
      appendPayload(of: pdu.source, from: start, count: end - pdu.sent, to: &packet)
      pdu.sent = end
    }
    inFlight += 1
    transit = pdu
    if end == pdu.count { finished(pdu) }
    return true
  }

  // Mutating, as what only borrows so large a value copies it to the stack first.
  private mutating func appendPayload(
    of source: OutgoingPDU.Source, from start: Int, count: Int, to packet: inout BoundedBytes
  ) {
    switch source {
    case .attributes: packet.append(contentsOf: attributeResponse.span.extracting(start..<start + count))
    case .control: packet.append(contentsOf: control.span.extracting(start..<start + count))
    case .frame: packet.append(contentsOf: outgoingFrame.span.extracting(start..<start + count))
    }
  }

  /// The last octet of a PDU went to the controller.
  private mutating func finished(_ pdu: OutgoingPDU) {
    transit = nil
    switch pdu.source {
    case .attributes: attributeResponse.removeAll()
    case .control: control.removeAll()
    case .frame: if frameOffset == outgoingFrame.count { outgoingFrame.removeAll() }
    }
  }

  /// What is to be sent next: what others wait for before frames.
  @inline(never)
  private mutating func nextPDU(now: Timestamp) -> OutgoingPDU? {
    if security.nextPDU(into: &control) {
      return OutgoingPDU(channel: ChannelID.security, source: .control, start: 0, end: control.count)
    }
    prepareSignals()
    if signals.take(into: &control) {
      return OutgoingPDU(channel: ChannelID.signalling, source: .control, start: 0, end: control.count)
    }
    if !attributeResponse.isEmpty {
      return OutgoingPDU(
        channel: ChannelID.attributes, source: .attributes, start: 0, end: attributeResponse.count)
    }
    guard frameOffset < outgoingFrame.count else { return nil }
    switch openCarrier {
    case .l2cap: return nextSegment(now: now)
    case .gatt: return nextNotification()
    case nil: return nil
    }
  }

  private mutating func prepareSignals() {
    guard signals.hasRoom else { return }
    let credits = channel.creditsToGive(free: inbox.free)
    if credits > 0 {
      signals.giveCredits(takeIdentifier(), source: CreditChannel.localID, count: credits)
      channel.gave(credits)
    } else if pending.remove(.parametersSignal) != nil {
      signals.requestParameters(takeIdentifier(), configuration.parameters)
    }
  }

  /// The next segment of the frame, if the peer has given a credit for it.
  private mutating func nextSegment(now: Timestamp) -> OutgoingPDU? {
    guard channel.credits > 0 else {
      if stalledSince == nil { stalledSince = now }
      return nil
    }
    stalledSince = nil
    // The length of the frame stands before the first segment, and counts as part of it.
    let lengthField = frameOffset == 0 ? 2 : 0
    let end = min(outgoingFrame.count, frameOffset + channel.peerMPS - lengthField)
    var pdu = OutgoingPDU(channel: channel.peerID, source: .frame, start: frameOffset, end: end)
    if lengthField > 0 {
      pdu.append(UInt8(truncatingIfNeeded: outgoingFrame.count))
      pdu.append(UInt8(truncatingIfNeeded: outgoingFrame.count >> 8))
    }
    channel.sentSegment()
    frameOffset = end
    return pdu
  }

  /// The next fragment of the frame, as a notification.
  private mutating func nextNotification() -> OutgoingPDU? {
    // No value of an attribute is longer than 512 octets.
    let limit = min(server.mtu - 3, 512)
    let next = fragmentSender.next(of: outgoingFrame.count, from: frameOffset, limit: limit)
    var pdu = OutgoingPDU(
      channel: ChannelID.attributes, source: .frame, start: frameOffset, end: frameOffset + next.dataLength)
    pdu.append(AttributeOpcode.notification)
    pdu.append(UInt8(truncatingIfNeeded: AttributeTable.transmitHandle))
    pdu.append(UInt8(truncatingIfNeeded: AttributeTable.transmitHandle >> 8))
    for i in 0..<next.headerLength { pdu.append(next.header[i]) }
    frameOffset += next.dataLength
    return pdu
  }
}
