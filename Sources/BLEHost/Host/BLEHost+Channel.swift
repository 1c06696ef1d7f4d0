import Bytes
import LinkProtocol

extension BLEHost {
  /// Takes a command of the signalling channel.
  mutating func receive(_ signal: Signal, _ now: Timestamp) {
    switch signal {
    case .channelRequest(let identifier, let request):
      answer(request, identifier, now)
    case .disconnectionRequest(let identifier, let destination, let source):
      guard channel.state != .closed, destination == CreditChannel.localID else {
        return signals.rejectChannel(identifier, local: destination, remote: source)
      }
      // One that names another end of the peer's is passed over (Vol 3 Part A §4.6).
      guard source == channel.peerID else { return }
      signals.confirmDisconnection(identifier, destination: destination, source: source)
      channelClosed()
      updateCarrier(now: now)
    case .disconnectionResponse(let destination, let source):
      if channel.state == .closing, destination == channel.peerID, source == CreditChannel.localID {
        channelClosed()
      }
    case .credits(let source, let count):
      guard channel.state == .open, source == channel.peerID, count > 0 else { return }
      stalledSince = nil
      if channel.received(credits: count) != nil {
        statistics.violations &+= 1
        closeChannel(.violation, now: now)
      }
    case .unknown(let identifier):
      signals.reject(identifier)
    case .parametersResponse, .rejected, .ignored:
      break
    }
  }

  private mutating func answer(_ request: ChannelRequest, _ identifier: UInt8, _ now: Timestamp) {
    let result = open(request, now)
    guard result == .success else {
      statistics.channelsRefused &+= 1
      return signals.answerChannel(identifier, result)
    }
    signals.answerChannel(
      identifier, result, local: CreditChannel.localID, mtu: UInt16(clamping: channel.mtu),
      mps: UInt16(clamping: channel.mps), credits: UInt16(clamping: channel.granted))
  }

  private mutating func open(_ request: ChannelRequest, _ now: Timestamp) -> ChannelResult {
    guard request.psm == BLEHostConfiguration.psm else { return .unknownPSM }
    // An answer that cannot be sent would leave the two sides with different minds.
    guard let link, signals.hasRoom else { return .noResources }
    if let lack = link.security.lack(for: configuration.dataRequirement) { return ChannelResult(lack: lack) }
    if channel.state == .closed, openCarrier == nil { inbox.removeAll() }
    let result = channel.open(
      request, smallestFrame: BLEHostConfiguration.smallestFrame, free: openCarrier == nil ? inbox.free : 0)
    // The other carrier's frames make room for this one's before credits are given.
    if result == .success, openCarrier != nil {
      updateCarrier(now: now)
      channel.gave(UInt16(clamping: inbox.free / channel.mps))
    }
    return result
  }

  /// This side ends the channel.
  mutating func closeChannel(_ end: CarrierEnd, now: Timestamp) {
    guard channel.state == .open else { return }
    signals.requestDisconnection(takeIdentifier(), destination: channel.peerID, source: CreditChannel.localID)
    channel.close()
    closingSince = now
    updateCarrier(now: now, end: end)
  }

  /// The channel is closed on both sides.
  mutating func channelClosed() {
    channel.closed()
    closingSince = nil
    stalledSince = nil
  }

  /// An identifier for a command of this side: 1…255 in turn.
  mutating func takeIdentifier() -> UInt8 {
    let identifier = nextIdentifier
    nextIdentifier = identifier == 255 ? 1 : identifier + 1
    return identifier
  }
}
