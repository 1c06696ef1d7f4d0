import BLESecurity
import Cryptography

// Commands of the host (Core specification, Vol 4 Part E §7).
extension LinkLayer {
  /// Does what a command says and answers it.
  mutating func execute(_ opcode: UInt16, _ parameters: Span<UInt8>, now: RadioTime) {
    guard let command = CommandOpcode.named(opcode), isOffered(command) else {
      return report(.commandStatus(opcode, ErrorCode.unknownCommand))
    }
    var status = ErrorCode.success
    if parameters.count != Int(command.length) {
      status = ErrorCode.invalidParameters
    } else if command.namesConnection, connection == nil || parameters.word(0) & 0x0fff != Self.handle {
      status = ErrorCode.unknownConnection
    }
    if command.isLasting {
      if status == ErrorCode.success { status = check(opcode, parameters) }
      report(.commandStatus(opcode, status))
      if status == ErrorCode.success { begin(opcode, parameters) }
      return
    }
    if status == ErrorCode.success { status = perform(opcode, parameters) }
    var answer = EventWriter.commandComplete(opcode, status: status)
    if command.namesConnection, parameters.count >= 2 { answer.append(UInt64(parameters.word(0)), width: 2) }
    if status == ErrorCode.success { appendResults(opcode, parameters, to: &answer) }
    report(answer)
  }

  /// What belongs to a feature that was left out is not known.
  mutating func isOffered(_ command: CommandOpcode) -> Bool {
    switch command.opcode {
    case CommandOpcode.leKeyReply, CommandOpcode.leKeyNegativeReply, CommandOpcode.leEncrypt,
      CommandOpcode.leRandom:
      configuration.features.contains(.encryption)
    case CommandOpcode.leSetDataLength, CommandOpcode.leReadSuggestedLength,
      CommandOpcode.leWriteSuggestedLength, CommandOpcode.leReadMaximumLength:
      configuration.features.contains(.dataLength)
    case CommandOpcode.leReadPHY, CommandOpcode.leSetDefaultPHY, CommandOpcode.leSetPHY:
      configuration.features.contains(.twoMegabit)
    default: true
    }
  }

  // MARK: Commands that are done at once

  private mutating func perform(_ opcode: UInt16, _ parameters: Span<UInt8>) -> UInt8 {
    switch opcode {
    case CommandOpcode.reset: reset()
    case CommandOpcode.setEventMask: masks.events = parameters.number(0, width: 8)
    case CommandOpcode.leSetEventMask: masks.lowEnergy = parameters.number(0, width: 8)
    case CommandOpcode.leSetRandomAddress:
      guard !advertiser.isEnabled else { return ErrorCode.commandDisallowed }
      advertiser.address = DeviceAddress(kind: .random, value: parameters.number(0, width: 6))
    case CommandOpcode.leSetAdvertisingParameters: return setAdvertising(parameters)
    case CommandOpcode.leSetAdvertisingData:
      guard let data = AdvertisingData(parsing: parameters) else { return ErrorCode.invalidParameters }
      advertiser.data = data
    case CommandOpcode.leSetScanResponse:
      guard let data = AdvertisingData(parsing: parameters) else { return ErrorCode.invalidParameters }
      advertiser.response = data
    case CommandOpcode.leSetAdvertisingEnable: return enableAdvertising(parameters[0])
    case CommandOpcode.leKeyReply, CommandOpcode.leKeyNegativeReply:
      guard connection?.encryption.phase == .awaitingKey else { return ErrorCode.commandDisallowed }
      let key = Block128(littleEndian: parameters.extracting(2..<parameters.count))
      connection?.keyAnswer = key.map { .key($0) } ?? KeyAnswer.none
    case CommandOpcode.leSetDataLength:
      guard let lengths = Self.lengths(parameters.extracting(2..<6)) else {
        return ErrorCode.invalidParameters
      }
      connection?.ownLengths.transmit = lengths.transmit
      connection?.ownLengths.transmitTime = lengths.transmitTime
      connection?.triedLengths = true
      connection?.wanted.insert(.lengths)
    case CommandOpcode.leWriteSuggestedLength:
      guard let lengths = Self.lengths(parameters) else { return ErrorCode.invalidParameters }
      suggested = lengths
    case CommandOpcode.leSetDefaultPHY:
      guard let phys = Self.phys(parameters) else { return ErrorCode.unsupportedParameter }
      preferredPHYs = phys
    default: break
    }
    return ErrorCode.success
  }

  private mutating func setAdvertising(_ parameters: Span<UInt8>) -> UInt8 {
    guard !advertiser.isEnabled else { return ErrorCode.commandDisallowed }
    let shortest = parameters.word(0)
    let longest = parameters.word(2)
    guard shortest >= 0x20, shortest <= longest, longest <= 0x4000, parameters[13] & 7 != 0 else {
      return ErrorCode.invalidParameters
    }
    // Undirected and connectable, from a random address, to everybody: nothing else is there.
    guard parameters[4] == 0, parameters[5] == 1, parameters[14] == 0 else {
      return ErrorCode.unsupportedParameter
    }
    advertiser.interval = longest
    advertiser.channels = parameters[13] & 7
    return ErrorCode.success
  }

  private mutating func enableAdvertising(_ value: UInt8) -> UInt8 {
    guard value <= 1 else { return ErrorCode.invalidParameters }
    if value == 0 {
      advertiser.isEnabled = false
      if connection == nil { stopRadio() }
      return ErrorCode.success
    }
    // There is one connection only.
    guard connection == nil, lost == nil else { return ErrorCode.commandDisallowed }
    guard advertiser.address != nil else { return ErrorCode.invalidParameters }
    if !advertiser.isEnabled { advertiser.begin(seed: random.block().words[0]) }
    return ErrorCode.success
  }

  /// Octets and time to send with; nil for what no link layer may.
  private static func lengths(_ parameters: Span<UInt8>) -> DataLengths? {
    let octets = parameters.word(0)
    let time = parameters.word(2)
    guard octets >= DataLengths.shortest, octets <= DataLengths.longest, time >= DataLengths.shortestTime,
      time <= 0x4290
    else { return nil }
    var lengths = DataLengths.least
    lengths.transmit = octets
    lengths.transmitTime = min(time, DataLengths.longestTime)
    return lengths
  }

  /// PHYs to send and to receive on, of three octets: which wishes are left out, to send, to receive; nil if one names
  /// nothing that is there.
  private static func phys(_ parameters: Span<UInt8>) -> (transmit: UInt8, receive: UInt8)? {
    let all = parameters[0]
    let transmit = all & 1 != 0 ? 3 : parameters[1] & 3
    let receive = all & 2 != 0 ? 3 : parameters[2] & 3
    return transmit == 0 || receive == 0 ? nil : (transmit, receive)
  }

  // MARK: Commands that take their time

  private mutating func check(_ opcode: UInt16, _ parameters: Span<UInt8>) -> UInt8 {
    switch opcode {
    case CommandOpcode.disconnect:
      if connection?.terminating != nil { return ErrorCode.commandDisallowed }
      // The reasons that a host may give (§7.1.6).
      switch parameters[2] {
      case 0x05, 0x13, 0x14, 0x15, 0x1a, 0x29, 0x3b: break
      default: return ErrorCode.invalidParameters
      }
    case CommandOpcode.leSetPHY:
      if Self.phys(parameters.extracting(2..<5)) == nil { return ErrorCode.unsupportedParameter }
    default: break
    }
    return ErrorCode.success
  }

  private mutating func begin(_ opcode: UInt16, _ parameters: Span<UInt8>) {
    switch opcode {
    case CommandOpcode.disconnect:
      connection?.terminating = (parameters[2], ErrorCode.localHostTerminated)
    case CommandOpcode.readRemoteVersion:
      connection?.hostAwaitsVersion = true
      if connection?.peerVersion != nil {
        reportVersion(status: ErrorCode.success)
      } else {
        connection?.wanted.insert(.version)
      }
    case CommandOpcode.leReadRemoteFeatures:
      connection?.hostAwaitsFeatures = true
      if connection?.peerFeatures != nil {
        reportFeatures(status: ErrorCode.success)
      } else {
        connection?.wanted.insert(.features)
      }
    default:
      connection?.preferredPHYs = Self.phys(parameters.extracting(2..<5)) ?? (3, 3)
      connection?.hostAwaitsPHY = true
      connection?.wanted.insert(.phys)
    }
  }
}
