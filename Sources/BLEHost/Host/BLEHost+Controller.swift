import BLESecurity
import Bytes
public import LinkProtocol

extension BLEHost {
  /// Takes one packet of the controller: its type octet, its header, and exactly what the header announces.
  public mutating func received(hciPacket packet: Span<UInt8>, now: Timestamp) {
    guard packet.count > 0 else { return }
    switch packet[0] {
    case H4Type.event:
      receive(HCIEvent(parsing: packet), packet, now)
    case H4Type.acl:
      guard let link, let handle = packet.littleEndian16(at: 1), handle & 0x0fff == link.handle else {
        return
      }
      self.link?.heard = now
      let isWhole = reassembly.take(packet: packet)
      noticeDamage(now: now)
      if isWhole { receivePDU(now: now) }
    default:
      return
    }
    updateCarrier(now: now)
  }

  @inline(never)
  private mutating func receive(_ event: HCIEvent, _ packet: Span<UInt8>, _ now: Timestamp) {
    switch event {
    case .commandComplete(let opcode, let credits):
      guard commands.answered(opcode, credits: credits, now: now) else { return }
      completed(opcode, packet.dropping(HCIEvent.returnParameters), now)
    case .commandStatus(let opcode, let credits, let status):
      guard commands.answered(opcode, credits: credits, now: now) else { return }
      // Most of the set-up's commands are refused like this by a controller that does not know them.
      let parameters: InlineArray<1, UInt8> = [status]
      if status != 0 || opcode == .disconnect || opcode == .leConnectionUpdate {
        completed(opcode, parameters.span, now)
      }
    case .packetsCompleted:
      guard let link else { return }
      inFlight = max(0, inFlight - HCIEvent.completedPackets(packet, of: link.handle))
    case .hardwareFailed(let code):
      fail(.hardware(code: code), now: now)
    case .connected(let connection):
      connected(connection, now)
    case .disconnected(let connection, let reason):
      if link?.handle == connection { dropLink(reason: reason, now: now) }
    case .encryptionChanged(let connection, let status, let isOn):
      guard link?.handle == connection else { return }
      security.encryptionChanged(isOn: status == 0 && isOn, now: now)
      settleSecurity(now: now)
    case .longTermKeyRequested(let connection, let random, let diversifier):
      if link?.handle == connection { keyRequested(random: random, diversifier: diversifier) }
    case .connectionUpdated(let connection, let status, let interval, let latency):
      guard link?.handle == connection else { return }
      if status == 0 {
        link?.interval = interval
        link?.latency = latency
      }
    case .parametersRequested(let connection, let parameters):
      guard link?.handle == connection else { return }
      requestedParameters = parameters
      pending.insert(.parametersReply)
    case .dataLengthChanged, .other:
      break
    }
  }

  /// The controller has done something that it was told, or will not.
  ///
  /// - Parameter parameters: return parameters, the status first.
  @inline(never)
  private mutating func completed(_ opcode: Opcode, _ parameters: Span<UInt8>, _ now: Timestamp) {
    let succeeded = parameters.count > 0 && parameters[0] == 0
    switch phase {
    case .settingUp:
      guard setup.answered(parameters, randomAddress: configuration.address) else {
        return fail(.unusable(opcode: opcode.value), now: now)
      }
      if setup.isDone {
        phase = .ready
        events.append(.started(setup.facts))
      }
    case .ready:
      switch opcode {
      case .leSetAdvertisingEnable where !succeeded && link == nil:
        // Nothing else would make it be found again.
        fail(.unusable(opcode: opcode.value), now: now)
      case .leSetAdvertisingParameters, .leSetAdvertisingData, .leSetScanResponse:
        guard succeeded else { return fail(.unusable(opcode: opcode.value), now: now) }
        advertising.succeeded()
      case .leSetAdvertisingEnable:
        if succeeded { advertising.succeeded() }
      case .leConnectionUpdate:
        // Then the older way.
        if !succeeded { pending.insert(.parametersSignal) }
      default:
        break
      }
    case .stopped, .failed:
      break
    }
  }

  /// The controller cannot be gone on with as it is.
  mutating func fail(_ fault: ControllerFault, now: Timestamp) {
    dropLink(reason: 0x16, now: now)
    commands = CommandFlow()
    phase = .failed(until: now + Self.restartPause)
    events.append(.controllerFailed(fault))
  }

  // MARK: Commands

  /// Writes the command that is due, if the controller takes one.
  @inline(never)
  mutating func nextCommand(into packet: inout BoundedBytes, now: Timestamp) -> Bool {
    guard commands.isOpen else { return false }
    let opcode: Opcode
    switch phase {
    case .settingUp: opcode = setup.writeCommand(randomAddress: configuration.address, into: &packet)
    case .ready: opcode = writeDueCommand(into: &packet)
    case .stopped, .failed: return false
    }
    guard opcode != .none else { return false }
    commands.sent(opcode, now: now)
    return true
  }

  @inline(never)
  private mutating func writeDueCommand(into packet: inout BoundedBytes) -> Opcode {
    if let link {
      if pending.remove(.keyReply) != nil { return writeKeyReply(link.handle, into: &packet) }
      if pending.remove(.disconnect) != nil {
        // Remote user terminated connection.
        let opcode = Opcode.disconnect
        HCICommand.write(opcode, UInt64(link.handle) | 0x13 << 16, width: 3, into: &packet)
        return opcode
      }
      if pending.remove(.parametersReply) != nil { return writeParametersReply(link.handle, into: &packet) }
      if pending.remove(.connectionUpdate) != nil {
        HCICommand.writeParameters(
          .leConnectionUpdate, connection: link.handle, configuration.parameters, into: &packet)
        return .leConnectionUpdate
      }
    }
    guard let opcode = advertising.dueCommand(isConnected: link != nil) else { return .none }
    advertising.writeCommand(opcode, configuration, into: &packet)
    return opcode
  }

  /// The peer may have what it wants, if the specification lets it.
  private mutating func writeParametersReply(_ handle: UInt16, into packet: inout BoundedBytes) -> Opcode {
    if requestedParameters.areValid {
      HCICommand.writeParameters(
        .leRemoteParametersReply, connection: handle, requestedParameters, into: &packet)
      return .leRemoteParametersReply
    }
    // Unacceptable connection parameters.
    HCICommand.write(
      .leRemoteParametersNegativeReply, UInt64(handle) | 0x3b << 16, width: 3, into: &packet)
    return .leRemoteParametersNegativeReply
  }
}
