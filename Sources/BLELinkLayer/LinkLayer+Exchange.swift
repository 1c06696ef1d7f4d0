extension LinkLayer {
  /// Hands packets and plans over between this and the radio's interrupt, which must be masked. Only numbers of buffers
  /// move, so that it takes a few microseconds.
  ///
  /// - Returns: what the radio is to do next; the driver arms it and gives the interrupt back.
  public mutating func exchange(with event: inout RadioEvent) -> RadioCommand? {
    if connection != nil, !mustReset {
      while let packet = event.connection.received.removeFirst() { inbox.append(packet) }
      while let packet = event.connection.acknowledged.removeFirst() { acknowledged(packet) }
      while let packet = released.removeFirst() { event.connection.free.append(packet) }
      while let packet = outgoing.removeFirst() { event.connection.transmitQueue.append(packet) }
      if let heard = event.connection.lastIntact { connection?.timing.heard(at: heard) }
    }
    air = event.connection.counters
    rssi = event.rssi
    if mustAbort, !event.isClosed { event.abort() }
    if isBusy, event.isClosed { ended(&event) }
    guard let command = plan, !isBusy else { return nil }
    plan = nil
    isBusy = true
    if mustReset {
      event.connection.reset()
      mustReset = false
    }
    if connection == nil {
      advertiser.describe(to: &event.advertising)
      event.beginAdvertising()
    } else {
      event.beginConnected(deadline: planDeadline, transmitPHY: command.transmitPHY)
    }
    return command
  }

  private mutating func ended(_ event: inout RadioEvent) {
    isBusy = false
    mustAbort = false
    if event.isAdvertising, connection == nil, advertiser.isEnabled {
      if let end = event.advertising.requestEnd { request = (event.receiveBuffer, end) }
    }
    if event.isConnected, connection != nil {
      let anchor = event.connection.anchor
      if anchor == nil { counters.silentEvents &+= 1 }
      connection?.missedLast = anchor == nil
      connection?.timing.ended(anchor: anchor, heard: event.connection.lastIntact)
    }
    event.becomeIdle()
  }

  private mutating func acknowledged(_ packet: Packet) {
    let bit: UInt16 = 1 << UInt16(packet.buffer)
    if endsACL & bit != 0 {
      endsACL &= ~bit
      completed += 1
    }
    if terminateBuffer == packet.buffer {
      terminateBuffer = nil
      connection?.isTerminated = true
    }
    freeTransmit.append(Packet(buffer: packet.buffer, length: 0))
  }
}
