public import BLESecurity
import Bytes

/// What a controller said about itself while it was set up.
public struct ControllerFacts: Sendable, Equatable {
  /// HCI version, as the Assigned Numbers count them: 6 is 4.0, 9 is 5.0, 13 is 5.4.
  public internal(set) var version: UInt8 = 0
  /// Company that made it, as the Assigned Numbers count them.
  public internal(set) var manufacturer: UInt16 = 0
  /// Its own address; all zeros if it has none.
  public internal(set) var publicAddress = DeviceAddress(kind: .publicDevice, value: 0)
  /// Most octets of an ACL packet that it takes, header not counted.
  public internal(set) var aclLength = 0
  /// How many ACL packets it holds.
  public internal(set) var aclCount = 0

  /// The features of octets 0…7 of LE Read Local Supported Features.
  var features: UInt64 = 0
  /// Whether it is BR/EDR as well, and wants to be told that its host does LE.
  var wantsHostSupport = false
  var commands = CommandSet()

  /// Commands that not every controller has.
  struct CommandSet: OptionSet, Sendable {
    let rawValue: UInt8
    static let writeLEHostSupport = CommandSet(rawValue: 1)
    static let writeDefaultDataLength = CommandSet(rawValue: 4)
    static let setDefaultPHY = CommandSet(rawValue: 8)
  }

  /// Whether the link layer takes packets longer than 27 octets.
  var hasLongPackets: Bool { features & 1 << 5 != 0 }
  /// Whether its link layer can ask for other connection parameters by itself.
  var hasParametersRequest: Bool { features & 1 << 1 != 0 }
  /// Whether it has the PHY of 2 Mbit/s.
  var hasFastPHY: Bool { features & 1 << 8 != 0 }

  /// Takes the return parameters of a command of the set-up that succeeded; `parameters` begins with the status.
  ///
  /// - Returns: false if there are too few of them.
  mutating func learn(_ opcode: Opcode, _ parameters: Span<UInt8>) -> Bool {
    switch opcode {
    case .readLocalVersion:
      guard parameters.count >= 9, let company = parameters.littleEndian16(at: 5) else { return false }
      version = parameters[1]
      manufacturer = company
    case .readSupportedCommands:
      return learnCommands(parameters)
    case .readFeatures:
      guard parameters.count >= 9 else { return false }
      // Octet 4: bit 5 says "no BR/EDR".
      wantsHostSupport = parameters[5] & 1 << 5 == 0
    case .readAddress:
      guard let address = parameters.littleEndian(at: 1, width: 6) else { return false }
      publicAddress = DeviceAddress(kind: .publicDevice, value: address)
    case .leReadBufferSize:
      guard parameters.count >= 4, let length = parameters.littleEndian16(at: 1) else { return false }
      aclLength = Int(length)
      aclCount = Int(parameters[3])
    case .readBufferSize:
      guard let length = parameters.littleEndian16(at: 1), let count = parameters.littleEndian16(at: 4)
      else { return false }
      aclLength = Int(length)
      aclCount = Int(count)
    case .leReadFeatures:
      guard let features = parameters.littleEndian(at: 1, width: 8) else { return false }
      self.features = features
    default:
      break
    }
    return true
  }

  /// The places of the commands are those of Vol 4 Part E §6.27, counted behind the status.
  private mutating func learnCommands(_ parameters: Span<UInt8>) -> Bool {
    guard parameters.count >= 65 else { return false }
    if parameters[1 + 24] & 1 << 6 != 0 { commands.insert(.writeLEHostSupport) }
    if parameters[1 + 34] & 1 << 0 != 0 { commands.insert(.writeDefaultDataLength) }
    if parameters[1 + 35] & 1 << 5 != 0 { commands.insert(.setDefaultPHY) }
    return true
  }
}
