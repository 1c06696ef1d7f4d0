extension LinkLayer {
  /// Gets a control PDU ready to be sent, encrypted if things are. There is a buffer, or the caller has not looked.
  mutating func send(_ pdu: ControlWriter) {
    guard let packet = freeTransmit.removeFirst() else { return violated() }
    memory[packet.buffer, 0] = 3
    memory[packet.buffer, 1] = UInt8(truncatingIfNeeded: pdu.count)
    for i in 0..<pdu.count { memory[packet.buffer, 2 + i] = pdu.octets[i] }
    if pdu.opcode == ControlOpcode.terminate { terminateBuffer = packet.buffer }
    enqueue(packet.buffer, kind: 3)
  }

  /// Gets one piece of data of the host ready.
  ///
  /// - Returns: whether there is more.
  mutating func sendFragment() -> Bool {
    guard let connection, connection.terminating == nil, !connection.encryption.isBusy,
      freeTransmit.count > Self.reservedBuffers, !acl.isEmpty, let packet = freeTransmit.removeFirst()
    else { return false }
    let fragment = acl.take(limit: Int(connection.transmitLimit), into: packet.buffer, of: memory)
    memory[packet.buffer, 0] = fragment.isFirst ? 2 : 1
    memory[packet.buffer, 1] = UInt8(truncatingIfNeeded: fragment.count)
    if fragment.isLast { endsACL |= 1 << UInt16(packet.buffer) }
    enqueue(packet.buffer, kind: fragment.isFirst ? 2 : 1)
    return true
  }

  private mutating func enqueue(_ buffer: UInt8, kind: UInt8) {
    if connection?.encryption.encryptsTransmit == true {
      connection?.encryption.encrypt(buffer, of: memory, &cipher)
    }
    outgoing.append(Packet(buffer: buffer, length: memory[buffer, 1], kind: kind))
  }
}
