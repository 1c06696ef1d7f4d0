/// Numbers of the commands that are known here (Core specification, Vol 4 Part E §7), with the length of their
/// parameters and their place among the Supported Commands (§6.27).
struct CommandOpcode {
  static let disconnect: UInt16 = 0x0406
  static let readRemoteVersion: UInt16 = 0x041d
  static let setEventMask: UInt16 = 0x0c01
  static let reset: UInt16 = 0x0c03
  static let readLocalVersion: UInt16 = 0x1001
  static let readSupportedCommands: UInt16 = 0x1002
  static let readLocalFeatures: UInt16 = 0x1003
  static let readAddress: UInt16 = 0x1009
  static let readRSSI: UInt16 = 0x1405
  static let leSetEventMask: UInt16 = 0x2001
  static let leReadBufferSize: UInt16 = 0x2002
  static let leReadLocalFeatures: UInt16 = 0x2003
  static let leSetRandomAddress: UInt16 = 0x2005
  static let leSetAdvertisingParameters: UInt16 = 0x2006
  static let leReadAdvertisingPower: UInt16 = 0x2007
  static let leSetAdvertisingData: UInt16 = 0x2008
  static let leSetScanResponse: UInt16 = 0x2009
  static let leSetAdvertisingEnable: UInt16 = 0x200a
  static let leReadChannelMap: UInt16 = 0x2015
  static let leReadRemoteFeatures: UInt16 = 0x2016
  static let leEncrypt: UInt16 = 0x2017
  static let leRandom: UInt16 = 0x2018
  static let leKeyReply: UInt16 = 0x201a
  static let leKeyNegativeReply: UInt16 = 0x201b
  static let leReadSupportedStates: UInt16 = 0x201c
  static let leSetDataLength: UInt16 = 0x2022
  static let leReadSuggestedLength: UInt16 = 0x2023
  static let leWriteSuggestedLength: UInt16 = 0x2024
  static let leReadMaximumLength: UInt16 = 0x202f
  static let leReadPHY: UInt16 = 0x2030
  static let leSetDefaultPHY: UInt16 = 0x2031
  static let leSetPHY: UInt16 = 0x2032

  var opcode: UInt16
  /// Octets of its parameters.
  var length: UInt8
  /// Octet and bit of the Supported Commands.
  var place: (octet: UInt8, bit: UInt8)
  /// Whether it names a connection first.
  var namesConnection = false
  /// Whether it is answered at once, and what it does is told by another event.
  var isLasting = false

  static let count = 32

  /// One after the other; a function, as globals of such a type would be made at run time.
  static func at(_ index: Int) -> CommandOpcode {
    switch index {
    case 0:
      CommandOpcode(opcode: disconnect, length: 3, place: (0, 5), namesConnection: true, isLasting: true)
    case 1:
      CommandOpcode(
        opcode: readRemoteVersion, length: 2, place: (2, 7), namesConnection: true, isLasting: true)
    case 2: CommandOpcode(opcode: setEventMask, length: 8, place: (5, 6))
    case 3: CommandOpcode(opcode: reset, length: 0, place: (5, 7))
    case 4: CommandOpcode(opcode: readLocalVersion, length: 0, place: (14, 3))
    case 5: CommandOpcode(opcode: readSupportedCommands, length: 0, place: (14, 4))
    case 6: CommandOpcode(opcode: readLocalFeatures, length: 0, place: (14, 5))
    case 7: CommandOpcode(opcode: readAddress, length: 0, place: (15, 1))
    case 8: CommandOpcode(opcode: readRSSI, length: 2, place: (15, 5), namesConnection: true)
    case 9: CommandOpcode(opcode: leSetEventMask, length: 8, place: (25, 0))
    case 10: CommandOpcode(opcode: leReadBufferSize, length: 0, place: (25, 1))
    case 11: CommandOpcode(opcode: leReadLocalFeatures, length: 0, place: (25, 2))
    case 12: CommandOpcode(opcode: leSetRandomAddress, length: 6, place: (25, 4))
    case 13: CommandOpcode(opcode: leSetAdvertisingParameters, length: 15, place: (25, 5))
    case 14: CommandOpcode(opcode: leReadAdvertisingPower, length: 0, place: (25, 6))
    case 15: CommandOpcode(opcode: leSetAdvertisingData, length: 32, place: (25, 7))
    case 16: CommandOpcode(opcode: leSetScanResponse, length: 32, place: (26, 0))
    case 17: CommandOpcode(opcode: leSetAdvertisingEnable, length: 1, place: (26, 1))
    case 18: CommandOpcode(opcode: leReadChannelMap, length: 2, place: (27, 4), namesConnection: true)
    case 19:
      CommandOpcode(
        opcode: leReadRemoteFeatures, length: 2, place: (27, 5), namesConnection: true, isLasting: true)
    case 20: CommandOpcode(opcode: leEncrypt, length: 32, place: (27, 6))
    case 21: CommandOpcode(opcode: leRandom, length: 0, place: (27, 7))
    case 22: CommandOpcode(opcode: leKeyReply, length: 18, place: (28, 1), namesConnection: true)
    case 23: CommandOpcode(opcode: leKeyNegativeReply, length: 2, place: (28, 2), namesConnection: true)
    case 24: CommandOpcode(opcode: leReadSupportedStates, length: 0, place: (28, 3))
    case 25: CommandOpcode(opcode: leSetDataLength, length: 6, place: (33, 6), namesConnection: true)
    case 26: CommandOpcode(opcode: leReadSuggestedLength, length: 0, place: (33, 7))
    case 27: CommandOpcode(opcode: leWriteSuggestedLength, length: 4, place: (34, 0))
    case 28: CommandOpcode(opcode: leReadMaximumLength, length: 0, place: (35, 3))
    case 29: CommandOpcode(opcode: leReadPHY, length: 2, place: (35, 4), namesConnection: true)
    case 30: CommandOpcode(opcode: leSetDefaultPHY, length: 3, place: (35, 5))
    default:
      CommandOpcode(opcode: leSetPHY, length: 7, place: (35, 6), namesConnection: true, isLasting: true)
    }
  }

  /// The command with this number; nil if it is not known.
  static func named(_ opcode: UInt16) -> CommandOpcode? {
    for i in 0..<count {
      let command = at(i)
      if command.opcode == opcode { return command }
    }
    return nil
  }
}
