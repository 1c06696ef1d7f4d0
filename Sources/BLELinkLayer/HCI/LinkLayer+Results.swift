import Cryptography

extension LinkLayer {
  /// Return parameters behind the status and, if the command names one, the connection.
  mutating func appendResults(_ opcode: UInt16, _ parameters: Span<UInt8>, to answer: inout EventWriter) {
    switch opcode {
    case CommandOpcode.readLocalVersion:
      answer.append(configuration.version)
      answer.append(UInt64(configuration.subversion), width: 2)
      answer.append(configuration.version)
      answer.append(UInt64(configuration.company), width: 2)
      answer.append(UInt64(configuration.subversion), width: 2)
    case CommandOpcode.readSupportedCommands: appendCommands(to: &answer)
    case CommandOpcode.readLocalFeatures:
      // No BR/EDR, and LE.
      answer.append(0x60 << 32, width: 8)
    case CommandOpcode.readAddress:
      // There is no public one.
      answer.append(0, width: 6)
    case CommandOpcode.readRSSI: answer.append(UInt8(bitPattern: rssi))
    case CommandOpcode.leReadBufferSize:
      answer.append(UInt64(ACLQueue.length), width: 2)
      answer.append(UInt8(ACLQueue.count))
    case CommandOpcode.leReadLocalFeatures: answer.append(configuration.features.rawValue, width: 8)
    case CommandOpcode.leReadAdvertisingPower: answer.append(0)
    case CommandOpcode.leReadChannelMap: answer.append(connection?.timing.channelMap.bits ?? 0, width: 5)
    case CommandOpcode.leEncrypt:
      let key = Block128(littleEndian: parameters.extracting(0..<16)) ?? .zero
      let text = Block128(littleEndian: parameters.extracting(16..<32)) ?? .zero
      append(cipher.encrypt(text, key: key), to: &answer)
      // The connection's key goes on being used.
      if let connection { cipher.use(key: connection.encryption.sessionKey) }
    case CommandOpcode.leRandom:
      let noise = random.block()
      answer.append(UInt64(noise.words[0]) << 32 | UInt64(noise.words[1]), width: 8)
    case CommandOpcode.leReadSupportedStates:
      // Connectable advertising, and the peripheral's role (§7.8.27).
      answer.append(1 << 2 | 1 << 7, width: 8)
    case CommandOpcode.leReadSuggestedLength:
      answer.append(UInt64(suggested.transmit), width: 2)
      answer.append(UInt64(suggested.transmitTime), width: 2)
    case CommandOpcode.leReadMaximumLength:
      for _ in 0..<2 {
        answer.append(UInt64(DataLengths.longest), width: 2)
        answer.append(UInt64(DataLengths.longestTime), width: 2)
      }
    case CommandOpcode.leReadPHY:
      answer.append((connection?.timing.transmitPHY ?? .oneMegabit).rawValue)
      answer.append((connection?.timing.receivePHY ?? .oneMegabit).rawValue)
    default: break
    }
  }

  private func append(_ block: Block128, to answer: inout EventWriter) {
    for i in 0..<16 { answer.append(block[byte: 15 - i]) }
  }

  private mutating func appendCommands(to answer: inout EventWriter) {
    var octets = InlineArray<64, UInt8>(repeating: 0)
    for i in 0..<CommandOpcode.count {
      let command = CommandOpcode.at(i)
      if isOffered(command) { octets[Int(command.place.octet)] |= 1 << command.place.bit }
    }
    for i in 0..<64 { answer.append(octets[i]) }
  }
}
