// USB 2.0, 9.4. What is "not specified" there is refused.
extension SerialDevice {
  mutating func standardRequest(_ packet: SetupPacket) -> ControlAction {
    switch (packet.requestType, packet.request) {
    case (RequestType.fromDevice, StandardRequest.getDescriptor): getDescriptor(packet)
    case (RequestType.toDevice, StandardRequest.setAddress): setAddress(packet)
    case (RequestType.toDevice, StandardRequest.setConfiguration): setConfiguration(packet)
    case (RequestType.fromDevice, StandardRequest.getConfiguration): getConfiguration(packet)
    case (RequestType.fromDevice, StandardRequest.getStatus): getDeviceStatus(packet)
    case (RequestType.toDevice, StandardRequest.setFeature): setDeviceFeature(packet, to: true)
    case (RequestType.toDevice, StandardRequest.clearFeature): setDeviceFeature(packet, to: false)
    case (RequestType.fromInterface, StandardRequest.getStatus): getInterfaceStatus(packet)
    case (RequestType.fromInterface, StandardRequest.getInterface): getInterface(packet)
    case (RequestType.toInterface, StandardRequest.setInterface): setInterface(packet)
    case (RequestType.fromEndpoint, StandardRequest.getStatus): getEndpointStatus(packet)
    case (RequestType.toEndpoint, StandardRequest.setFeature): setHalt(packet, to: true)
    case (RequestType.toEndpoint, StandardRequest.clearFeature): setHalt(packet, to: false)
    default: .stall
    }
  }

  private var hasAddress: Bool {
    switch state {
    case .attached, .powered, .default: false
    case .address, .configured: true
    }
  }

  /// The answer is a number of one or two bytes.
  private mutating func answer(_ value: UInt8, width: Int, to packet: SetupPacket) -> ControlAction {
    reply[0] = value
    reply[1] = 0
    return pipe.send(0..<width, of: .reply, requested: packet.length)
  }

  // MARK: The device

  private mutating func getDescriptor(_ packet: SetupPacket) -> ControlAction {
    let range = descriptors.range(type: packet.valueHigh, index: packet.valueLow, language: packet.index)
    guard let range else { return .stall }
    return pipe.send(range, of: .descriptors, requested: packet.length)
  }

  private mutating func setAddress(_ packet: SetupPacket) -> ControlAction {
    guard !isConfigured, packet.value <= 127, packet.index == 0, packet.length == 0 else { return .stall }
    let address = packet.valueLow
    addressed(address)
    return .takeAddress(address)
  }

  private mutating func setConfiguration(_ packet: SetupPacket) -> ControlAction {
    guard packet.index == 0, packet.length == 0 else { return .stall }
    let address: UInt8
    switch state {
    case .attached, .powered, .default: return .stall
    case .address(let known), .configured(let known): address = known
    }
    switch packet.value {
    case 0:
      if isConfigured { closeEndpoints() }
      state = .address(address)
    case UInt16(Descriptors.configurationValue):
      state = .configured(address)
      openEndpoints()
    default: return .stall
    }
    return .acknowledge
  }

  private mutating func getConfiguration(_ packet: SetupPacket) -> ControlAction {
    guard hasAddress, packet.value == 0, packet.index == 0 else { return .stall }
    return answer(isConfigured ? Descriptors.configurationValue : 0, width: 1, to: packet)
  }

  private mutating func getDeviceStatus(_ packet: SetupPacket) -> ControlAction {
    guard hasAddress, packet.value == 0, packet.index == 0 else { return .stall }
    // Bit 0: powered by itself.
    return answer(mayWakeHost ? 2 : 0, width: 2, to: packet)
  }

  private mutating func setDeviceFeature(_ packet: SetupPacket, to isSet: Bool) -> ControlAction {
    guard hasAddress, packet.value == Feature.remoteWakeUp, packet.index == 0, packet.length == 0 else {
      return .stall
    }
    mayWakeHost = isSet
    return .acknowledge
  }

  // MARK: Interfaces

  private func hasInterface(_ index: UInt16) -> Bool { isConfigured && index < UInt16(Interface.count) }

  private mutating func getInterfaceStatus(_ packet: SetupPacket) -> ControlAction {
    guard hasInterface(packet.index), packet.value == 0 else { return .stall }
    return answer(0, width: 2, to: packet)
  }

  private mutating func getInterface(_ packet: SetupPacket) -> ControlAction {
    guard hasInterface(packet.index), packet.value == 0 else { return .stall }
    return answer(0, width: 1, to: packet)
  }

  /// There is one setting of each interface. To select it again puts its endpoints right (9.4.10 and 9.1.1.5).
  private mutating func setInterface(_ packet: SetupPacket) -> ControlAction {
    guard hasInterface(packet.index), packet.value == 0, packet.length == 0 else { return .stall }
    if packet.index == UInt16(Interface.control) {
      restart(.notifications)
    } else {
      restart(.bytesOut)
      restart(.bytesIn)
    }
    return .acknowledge
  }

  // MARK: Endpoints

  private func endpoint(_ index: UInt16) -> Endpoint? {
    isConfigured && index <= 0xff ? Endpoint(rawValue: UInt8(truncatingIfNeeded: index)) : nil
  }

  /// Endpoint 0, in either direction. It is never halted: the next setup packet ends a STALL.
  private func isControl(_ index: UInt16) -> Bool { hasAddress && index & ~0x80 == 0 }

  private mutating func getEndpointStatus(_ packet: SetupPacket) -> ControlAction {
    guard packet.value == 0 else { return .stall }
    if isControl(packet.index) { return answer(0, width: 2, to: packet) }
    guard let endpoint = endpoint(packet.index) else { return .stall }
    return answer(isHalted(endpoint) ? 1 : 0, width: 2, to: packet)
  }

  private mutating func setHalt(_ packet: SetupPacket, to isHalted: Bool) -> ControlAction {
    guard packet.value == Feature.endpointHalt, packet.length == 0 else { return .stall }
    if isControl(packet.index) { return isHalted ? .stall : .acknowledge }
    guard let endpoint = endpoint(packet.index) else { return .stall }
    if isHalted { halt(endpoint) } else { restart(endpoint) }
    return .acknowledge
  }

  private mutating func halt(_ endpoint: Endpoint) {
    halted.insert(endpoint.changeBit)
    changes.insert(endpoint.changeBit)
    takeBack(endpoint)
  }

  /// Not halted, toggle at DATA0: whether it was halted or not (9.4.5).
  private mutating func restart(_ endpoint: Endpoint) {
    halted.remove(endpoint.changeBit)
    changes.insert(endpoint.changeBit)
    takeBack(endpoint)
  }
}
