import BLESecurity

// What the host is told (Core specification, Vol 4 Part E §7.7).
extension LinkLayer {
  /// Hands an event to the host, if it wants it.
  mutating func report(_ event: EventWriter) {
    guard masks.allow(event) else { return }
    if !events.append(event) { counters.badHostPackets &+= 1 }
  }

  mutating func reportConnected(_ connection: Connection) {
    var event = EventWriter(subevent: 0x01)
    event.append(ErrorCode.success)
    event.append(UInt64(Self.handle), width: 2)
    event.append(1)
    event.append(connection.peer.kind.rawValue)
    event.append(connection.peer.value, width: 6)
    appendParameters(connection.timing.parameters, to: &event)
    // The central's clock, as the air codes it.
    let codes: InlineArray<8, UInt16> = [500, 250, 150, 100, 75, 50, 30, 20]
    for i in 0..<8 where UInt32(codes[i]) == connection.clockAccuracy {
      event.append(UInt8(truncatingIfNeeded: i))
    }
    report(event)
    var algorithm = EventWriter(subevent: 0x14)
    algorithm.append(UInt64(Self.handle), width: 2)
    if case .second = connection.timing.selection { algorithm.append(1) } else { algorithm.append(0) }
    report(algorithm)
  }

  private mutating func appendParameters(_ parameters: LinkParameters, to event: inout EventWriter) {
    event.append(UInt64(parameters.interval), width: 2)
    event.append(UInt64(parameters.latency), width: 2)
    event.append(UInt64(parameters.timeout), width: 2)
  }

  mutating func connectionUpdated() {
    guard let connection else { return }
    var event = EventWriter(subevent: 0x03)
    event.append(ErrorCode.success)
    event.append(UInt64(Self.handle), width: 2)
    appendParameters(connection.timing.parameters, to: &event)
    report(event)
  }

  mutating func reportFeatures(status: UInt8) {
    guard let connection, connection.hostAwaitsFeatures else { return }
    self.connection?.hostAwaitsFeatures = false
    var event = EventWriter(subevent: 0x04)
    event.append(status)
    event.append(UInt64(Self.handle), width: 2)
    event.append(connection.peerFeatures?.rawValue ?? 0, width: 8)
    report(event)
  }

  mutating func reportVersion(status: UInt8) {
    guard let connection, connection.hostAwaitsVersion else { return }
    self.connection?.hostAwaitsVersion = false
    var event = EventWriter(0x0c, maskBit: 11)
    event.append(status)
    event.append(UInt64(Self.handle), width: 2)
    event.append(connection.peerVersion?.version ?? 0)
    event.append(UInt64(connection.peerVersion?.company ?? 0), width: 2)
    event.append(UInt64(connection.peerVersion?.subversion ?? 0), width: 2)
    report(event)
  }

  mutating func reportKeyRequest(random: UInt64, diversifier: UInt16) {
    var event = EventWriter(subevent: 0x05)
    event.append(UInt64(Self.handle), width: 2)
    event.append(random, width: 8)
    event.append(UInt64(diversifier), width: 2)
    if !masks.allow(event) {
      // A host that does not want to be asked has no keys.
      connection?.keyAnswer = KeyAnswer.none
    }
    report(event)
  }

  mutating func reportEncrypted(isRefresh: Bool) {
    var event = isRefresh ? EventWriter(0x30, maskBit: 47) : EventWriter(0x08, maskBit: 7)
    event.append(ErrorCode.success)
    event.append(UInt64(Self.handle), width: 2)
    if !isRefresh { event.append(1) }
    report(event)
  }

  mutating func reportLengths(_ lengths: DataLengths) {
    var event = EventWriter(subevent: 0x07)
    event.append(UInt64(Self.handle), width: 2)
    event.append(UInt64(lengths.transmit), width: 2)
    event.append(UInt64(lengths.transmitTime), width: 2)
    event.append(UInt64(lengths.receive), width: 2)
    event.append(UInt64(lengths.receiveTime), width: 2)
    report(event)
  }

  mutating func reportPHYs(status: UInt8) {
    guard let connection, connection.hostAwaitsPHY else { return }
    self.connection?.hostAwaitsPHY = false
    var event = EventWriter(subevent: 0x0c)
    event.append(status)
    event.append(UInt64(Self.handle), width: 2)
    event.append(connection.timing.transmitPHY.rawValue)
    event.append(connection.timing.receivePHY.rawValue)
    report(event)
  }
}
