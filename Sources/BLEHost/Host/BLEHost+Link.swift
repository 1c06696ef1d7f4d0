import BLESecurity
import Bytes
import LinkProtocol

extension BLEHost {
  mutating func connected(_ connection: HCIEvent.ConnectionComplete, _ now: Timestamp) {
    guard phase == .ready else { return }
    advertising.fellSilent()
    // A failed attempt leaves the controller silent; advertising is taken up again by itself.
    guard connection.status == 0, connection.isPeripheral, link == nil else { return }
    link = Link(
      handle: connection.connection, peer: connection.peer, interval: connection.interval,
      latency: connection.latency, heard: now)
    statistics.connections &+= 1
    events.append(.connected(connection.peer))
    beginSecurity(connection.peer, now: now)
  }

  /// The connection is gone.
  mutating func dropLink(reason: UInt8, now: Timestamp) {
    guard link != nil else { return }
    link = nil
    inFlight = 0
    transit = nil
    pending = PendingCommands()
    reassembly.reset()
    signals.removeAll()
    attributeResponse.removeAll()
    channelClosed()
    server.reset()
    requestedKey = nil
    security.disconnected(now: now)
    settleSecurity(now: now)
    events.append(.disconnected(reason: reason))
  }

  // MARK: PDUs

  /// A segment that did not arrive as it was sent breaks its channel: its frame is damaged and its credit is spent.
  mutating func noticeDamage(now: Timestamp) {
    guard let damaged = reassembly.damagedChannel else { return }
    reassembly.forgetDamage()
    guard damaged == CreditChannel.localID, channel.state == .open else { return }
    statistics.violations &+= 1
    closeChannel(.violation, now: now)
  }

  /// Takes the PDU that the reassembly holds.
  @inline(never)
  mutating func receivePDU(now: Timestamp) {
    guard let link, let identifier = reassembly.pdu.littleEndian16(at: 2) else { return }
    switch identifier {
    case ChannelID.attributes:
      receiveAttributePDU(link.security)
    case ChannelID.signalling:
      receive(Signal(parsing: reassembly.payload), now)
    case ChannelID.security:
      Self.receiveSecurityPDU(reassembly, by: &security, now)
      settleSecurity(now: now)
    case CreditChannel.localID where channel.state == .open:
      guard Self.receiveSegment(reassembly, by: &channel, into: &inbox) != nil else { return }
      statistics.violations &+= 1
      closeChannel(.violation, now: now)
    default:
      break
    }
  }

  private static func receiveSecurityPDU(
    _ reassembly: borrowing ACLReassembly, by security: inout SecurityManager, _ now: Timestamp
  ) {
    security.received(pdu: reassembly.payload, now: now)
  }

  private static func receiveSegment(
    _ reassembly: borrowing ACLReassembly, by channel: inout CreditChannel, into inbox: inout FrameQueue
  ) -> CreditChannel.Violation? {
    channel.received(segment: reassembly.payload, into: &inbox)
  }

  private mutating func receiveAttributePDU(_ security: LinkSecurity) {
    let outcome = Self.receiveAttributePDU(reassembly, security, by: &server, response: &attributeResponse)
    switch outcome {
    case .nothing:
      break
    case .received:
      guard openCarrier == .gatt else { return }
      Self.receiveFragment(
        reassembly, by: &fragmentReceiver, maximumFrame: configuration.maximumFrame, into: &inbox)
    case .configured:
      keepConfiguration()
    case .nonce(let nonce):
      self.security.received(gatewayNonce: nonce)
    }
  }

  /// - Parameter response: what waits to be sent. A peer has one request open at a time: a second one is not
  ///   answered. Its commands come at any time.
  private static func receiveAttributePDU(
    _ reassembly: borrowing ACLReassembly, _ security: LinkSecurity, by server: inout AttributeServer,
    response: inout BoundedBytes
  ) -> AttributeServer.Outcome {
    let pdu = reassembly.payload
    guard pdu.count > 0 else { return .nothing }
    if pdu[0] & AttributeOpcode.commandBit != 0 { return server.command(pdu, security) }
    guard response.isEmpty else { return .nothing }
    return server.receive(pdu, security: security, response: &response)
  }

  private static func receiveFragment(
    _ reassembly: borrowing ACLReassembly, by receiver: inout FragmentReceiver, maximumFrame: Int,
    into inbox: inout FrameQueue
  ) {
    receiver.receive(
      reassembly.payload.dropping(AttributeServer.valueOffset), maximumFrame: maximumFrame, into: &inbox)
  }

  // MARK: Carriers

  /// What frames could travel over as things are.
  private mutating func possibleCarrier() -> BLECarrier? {
    guard let link else { return nil }
    if channel.state == .open { return .l2cap }
    return server.configuration.notifies && link.security.lack(for: configuration.dataRequirement) == nil
      ? .gatt : nil
  }

  /// Opens and closes carriers as things have become.
  ///
  /// - Parameter end: why the present one closes, if it does.
  mutating func updateCarrier(now: Timestamp, end: CarrierEnd = .closedByPeer) {
    let possible = possibleCarrier()
    guard possible != openCarrier else { return }
    if let openCarrier {
      let reason: CarrierEnd = possible == .l2cap ? .superseded : link == nil ? .linkLost : end
      events.append(.carrierClosed(openCarrier, reason))
      // The segments of a channel that has just opened come after this.
      inbox.removeAll()
      outgoingFrame.truncate(to: transit?.source == .frame ? outgoingFrame.count : 0)
      frameOffset = outgoingFrame.count
      stalledSince = nil
    }
    fragmentReceiver.reset(&inbox)
    fragmentSender = FragmentSender()
    openCarrier = possible
    if let possible {
      events.append(.carrierOpened(possible))
      askForParameters()
    }
  }

  /// Frames are about to flow: they flow better when the two sides meet often.
  private mutating func askForParameters() {
    guard let link, !configuration.parameters.areMet(interval: link.interval, latency: link.latency) else {
      return
    }
    pending.insert(setup.facts.hasParametersRequest ? .connectionUpdate : .parametersSignal)
  }
}
