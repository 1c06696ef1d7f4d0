// PSTN 1.2, 6.3. What is optional there and no use here is refused.
extension SerialDevice {
  mutating func serialRequest(_ packet: SetupPacket) -> ControlAction {
    guard isConfigured, packet.index == UInt16(Interface.control) else { return .stall }
    switch (packet.requestType, packet.request) {
    case (RequestType.classToInterface, SerialRequest.setLineCoding):
      guard packet.value == 0, packet.length == UInt16(LineCoding.length) else { return .stall }
      return pipe.receive(LineCoding.length)
    case (RequestType.classFromInterface, SerialRequest.getLineCoding):
      guard packet.value == 0 else { return .stall }
      lineCoding.encode(into: &reply)
      return pipe.send(0..<LineCoding.length, of: .reply, requested: packet.length)
    case (RequestType.classToInterface, SerialRequest.setControlLineState):
      guard packet.length == 0 else { return .stall }
      // Bit 0: data terminal ready. Bit 1, request to send, is for half-duplex lines.
      setOpen(packet.value & 1 != 0)
      return .acknowledge
    case (RequestType.classToInterface, SerialRequest.sendBreak):
      // There is no wire to hold in the state of a break.
      return packet.length == 0 ? .acknowledge : .stall
    default: return .stall
    }
  }

  /// The data of SET_LINE_CODING is here; false if it means nothing.
  mutating func takeLineCoding(_ bytes: Span<UInt8>) -> Bool {
    guard let coding = LineCoding(bytes) else { return false }
    lineCoding = coding
    return true
  }

  private mutating func setOpen(_ isOpen: Bool) {
    if self.isOpen && !isOpen {
      // The packet that the controller holds goes to whoever opens the port next; there is no way to be sure of
      // having it back.
      output.removeAll()
      sending = 0
      owesEmptyPacket = false
    }
    self.isOpen = isOpen
  }
}
