import BLESecurity
import Bytes

/// The commands that make a controller ready, one after the other, and what is learnt from their answers.
struct ControllerSetup {
  enum Step: UInt8, Equatable {
    case reset, version, commands, features, address, leBufferSize, bufferSize, leFeatures, eventMask,
      leEventMask
    case leHostSupport, randomAddress, dataLength, phy, done
  }

  private(set) var step = Step.reset
  private(set) var facts = ControllerFacts()

  /// Whether everything was said and answered.
  var isDone: Bool { step == .done }

  /// The events of BR/EDR and LE that this host acts upon: Disconnection Complete (bit 4), Encryption Change (7),
  /// Hardware Error (15), Encryption Key Refresh (47), LE Meta (61). Answers to commands cannot be masked.
  private static let eventMask: UInt64 = 1 << 4 | 1 << 7 | 1 << 15 | 1 << 47 | 1 << 61
  /// Connection Complete (0), Connection Update Complete (2), Long Term Key Request (4), Remote Connection Parameter
  /// Request (5), Data Length Change (6).
  private static let leEventMask: UInt64 = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6

  /// The longest packet of the link layer, and the time that it takes at 1 Mbit/s, in µs.
  static let longPacket: UInt64 = 251 | 2120 << 16

  /// Writes the command of this step.
  func writeCommand(randomAddress: DeviceAddress?, into packet: inout BoundedBytes) -> Opcode {
    let opcode = opcode
    switch step {
    case .eventMask: HCICommand.write(opcode, Self.eventMask, width: 8, into: &packet)
    case .leEventMask: HCICommand.write(opcode, Self.leEventMask, width: 8, into: &packet)
    // LE is on; nothing is done on LE and BR/EDR at once.
    case .leHostSupport: HCICommand.write(opcode, 0x0001, width: 2, into: &packet)
    case .randomAddress: HCICommand.write(opcode, randomAddress?.value ?? 0, width: 6, into: &packet)
    case .dataLength: HCICommand.write(opcode, Self.longPacket, width: 4, into: &packet)
    // No wish of ours is left out; both directions on 2 Mbit/s or, if the peer wants it, 1.
    case .phy: HCICommand.write(opcode, 0x03_03_00, width: 3, into: &packet)
    default: HCICommand.write(opcode, into: &packet)
    }
    return opcode
  }

  private var opcode: Opcode {
    switch step {
    case .reset: .reset
    case .version: .readLocalVersion
    case .commands: .readSupportedCommands
    case .features: .readFeatures
    case .address: .readAddress
    case .leBufferSize: .leReadBufferSize
    case .bufferSize: .readBufferSize
    case .leFeatures: .leReadFeatures
    case .eventMask: .setEventMask
    case .leEventMask: .leSetEventMask
    case .leHostSupport: .writeLEHostSupport
    case .randomAddress: .leSetRandomAddress
    case .dataLength: .leWriteDefaultDataLength
    case .phy: .leSetDefaultPHY
    case .done: .none
    }
  }

  /// What can be done without: a controller that refuses it works all the same.
  private var isOptional: Bool {
    switch step {
    case .version, .commands, .features, .address, .leFeatures, .eventMask, .leHostSupport, .dataLength, .phy:
      true
    case .reset, .leBufferSize, .bufferSize, .leEventMask, .randomAddress, .done: false
    }
  }

  /// The command of this step was answered.
  ///
  /// - Parameter parameters: the return parameters, status first.
  /// - Returns: false if the controller cannot be used.
  mutating func answered(_ parameters: Span<UInt8>, randomAddress: DeviceAddress?) -> Bool {
    let succeeded = parameters.count > 0 && parameters[0] == 0 && facts.learn(opcode, parameters)
    guard succeeded || isOptional else { return false }
    advance(randomAddress: randomAddress)
    guard step == .done else { return true }
    // 27 octets is what every LE controller takes; an identity is needed to be found by.
    return facts.aclLength >= 27 && facts.aclCount > 0
      && (randomAddress != nil || facts.publicAddress.value != 0)
  }

  private mutating func advance(randomAddress: DeviceAddress?) {
    repeat {
      step = Step(rawValue: step.rawValue + 1) ?? .done
    } while step != .done && !isWanted(randomAddress: randomAddress)
  }

  private func isWanted(randomAddress: DeviceAddress?) -> Bool {
    switch step {
    // Buffers for LE of its own there may be none: then it shares those of BR/EDR.
    case .bufferSize: facts.aclLength == 0 || facts.aclCount == 0
    case .leHostSupport: facts.wantsHostSupport && facts.commands.contains(.writeLEHostSupport)
    case .randomAddress: randomAddress != nil
    case .dataLength: facts.hasLongPackets && facts.commands.contains(.writeDefaultDataLength)
    case .phy: facts.hasFastPHY && facts.commands.contains(.setDefaultPHY)
    default: true
    }
  }
}
