extension LinkLayer {
  /// Does what there is to do: looks at packets that came, goes on with procedures, plans the next event, gets packets
  /// ready to be sent. One piece at a time, so that what is urgent is handed over before what is long begins.
  ///
  /// - Returns: true if there is more; exchange first.
  public mutating func work(now: RadioTime) -> Bool {
    if let request {
      self.request = nil
      connect(request.buffer, end: request.end)
    }
    if connection?.isTerminated == true, let terminating = connection?.terminating {
      drop(terminating.reported)
    }
    watchTime(now: now)
    if !isBusy, plan == nil, planNext(now: now) { return true }
    guard hasTime(now: now) else { return false }
    if readInbox(now: now) { return true }
    answerKeyRequest(now: now)
    beginProcedures(now: now)
    return sendFragment()
  }

  /// When ``work(now:)`` has to be called at the latest; nil if only the radio or the host give it something to do.
  ///
  /// Mutating, as others that change nothing: what only borrows so large a value copies it to the stack first.
  public var nextDeadline: RadioTime? {
    mutating get {
      guard let connection else { return nil }
      var deadline = connection.timing.expiry
      if let other = connection.procedureDeadline, other.isBefore(deadline) { deadline = other }
      if let other = connection.centralDeadline, other.isBefore(deadline) { deadline = other }
      return deadline
    }
  }

  /// Whoever says nothing for too long is gone.
  private mutating func watchTime(now: RadioTime) {
    guard let connection else { return }
    if !now.isBefore(connection.timing.expiry) {
      let reason = connection.timing.isEstablished ? ErrorCode.connectionTimeout : ErrorCode.failedToEstablish
      drop(connection.terminating?.reported ?? reason)
    } else if let deadline = nextDeadline, !now.isBefore(deadline) {
      drop(connection.terminating?.reported ?? ErrorCode.responseTimeout)
    }
  }

  /// Whether something long may begin: not where an event is about to end, and the next one to be planned. One that ends
  /// earlier leaves the more time.
  private mutating func hasTime(now: RadioTime) -> Bool {
    guard isBusy, let connection, connection.hasBegun, connection.encryption.isNeeded else { return true }
    return planDeadline.since(now) >= Int32(configuration.packetTime)
  }

  // MARK: What the radio does next

  /// - Returns: whether anything was planned.
  private mutating func planNext(now: RadioTime) -> Bool {
    if connection != nil { return planConnected(now: now) }
    guard advertiser.isEnabled, lost == nil else { return false }
    plan = advertiser.next(now: now, lead: configuration.lead, memory, features: configuration.features)
    return true
  }

  private mutating func planConnected(now: RadioTime) -> Bool {
    guard var timing = connection?.timing, let connection else { return false }
    if connection.hasBegun {
      timing.applyInstants()
      timing.advance()
      var rest = restingEvents(timing)
      while rest > 0 {
        timing.advance()
        rest -= 1
      }
    }
    while timing.windowStart.isBefore(now + configuration.lead) {
      counters.missedEvents &+= 1
      timing.advance()
    }
    let changes = timing.takeChanges()
    plan = RadioCommand(
      opening: .listen, start: timing.windowStart, window: timing.windowLength, channel: timing.channel,
      accessAddress: connection.accessAddress, crcInit: connection.crcInit, receivePHY: timing.receivePHY,
      transmitPHY: timing.transmitPHY,
      maximumLength: configuration.features.contains(.dataLength) ? 255 : 31)
    planDeadline = timing.deadline(gap: configuration.gap)
    self.connection?.timing = timing
    self.connection?.hasBegun = true
    if changes.contains(.parameters) { connectionUpdated() }
    if changes.contains(.phy) { phyUpdated() }
    return true
  }

  /// Events that may be slept through now: none while there is anything to say, or after silence.
  private mutating func restingEvents(_ timing: ConnectionTiming) -> UInt16 {
    guard let connection, timing.parameters.latency > 0, timing.isEstablished, timing.windowSize == 0,
      !connection.missedLast, connection.procedure == nil, connection.terminating == nil,
      !connection.encryption.isBusy, acl.isEmpty, inbox.isEmpty,
      freeTransmit.count == PacketMemory.transmitCount
    else { return 0 }
    return min(timing.parameters.latency, timing.eventsToInstant ?? .max)
  }

  // MARK: Connecting

  private mutating func connect(_ buffer: UInt8, end: RadioTime) {
    guard let request = ConnectRequest(parsing: memory.pdu(of: buffer)), connection == nil else {
      counters.violations &+= 1
      return
    }
    advertiser.isEnabled = false
    resetQueues()
    var own = suggested
    if configuration.features.contains(.dataLength) {
      own.receive = DataLengths.longest
      own.receiveTime = DataLengths.longestTime
    }
    let connection = Connection(
      request, end: end, ownAccuracy: configuration.clockAccuracy,
      hasChannelSelection2: configuration.features.contains(.channelSelection2), lengths: own,
      phys: preferredPHYs)
    self.connection = connection
    counters.connections &+= 1
    reportConnected(connection)
  }
}
