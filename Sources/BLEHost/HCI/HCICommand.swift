import BLESecurity
import Bytes

/// A command's number: OGF in the six top bits, OCF below (Core specification, Vol 4 Part E §7).
struct Opcode: Equatable {
  let value: UInt16

  static let none = Opcode(value: 0)
  static let disconnect = Opcode(value: 0x0406)
  static let setEventMask = Opcode(value: 0x0c01)
  static let reset = Opcode(value: 0x0c03)
  static let writeLEHostSupport = Opcode(value: 0x0c6d)
  static let readLocalVersion = Opcode(value: 0x1001)
  static let readSupportedCommands = Opcode(value: 0x1002)
  static let readFeatures = Opcode(value: 0x1003)
  static let readBufferSize = Opcode(value: 0x1005)
  static let readAddress = Opcode(value: 0x1009)
  static let leSetEventMask = Opcode(value: 0x2001)
  static let leReadBufferSize = Opcode(value: 0x2002)
  static let leReadFeatures = Opcode(value: 0x2003)
  static let leSetRandomAddress = Opcode(value: 0x2005)
  static let leSetAdvertisingParameters = Opcode(value: 0x2006)
  static let leSetAdvertisingData = Opcode(value: 0x2008)
  static let leSetScanResponse = Opcode(value: 0x2009)
  static let leSetAdvertisingEnable = Opcode(value: 0x200a)
  static let leConnectionUpdate = Opcode(value: 0x2013)
  static let leLongTermKeyReply = Opcode(value: 0x201a)
  static let leLongTermKeyNegativeReply = Opcode(value: 0x201b)
  static let leRemoteParametersReply = Opcode(value: 0x2020)
  static let leRemoteParametersNegativeReply = Opcode(value: 0x2021)
  static let leWriteDefaultDataLength = Opcode(value: 0x2024)
  static let leSetDefaultPHY = Opcode(value: 0x2031)
}

/// Writes commands as H4 packets.
enum HCICommand {
  /// The longest command that this host sends: advertising data and its length, after type, opcode and length.
  static let longest = 4 + 32

  /// Begins a command; the caller appends exactly `length` octets of parameters.
  static func begin(_ opcode: Opcode, length: Int, into packet: inout BoundedBytes) {
    packet.removeAll()
    packet.append(H4Type.command)
    packet.append(littleEndian: UInt64(opcode.value), width: 2)
    packet.append(UInt8(truncatingIfNeeded: length))
  }

  /// A command whose parameters are one number, or none.
  static func write(
    _ opcode: Opcode, _ parameters: UInt64 = 0, width: Int = 0, into packet: inout BoundedBytes
  ) {
    begin(opcode, length: width, into: &packet)
    packet.append(littleEndian: parameters, width: width)
  }

  /// Connection Update, or the reply to a peer's wish for one: both name the same parameters.
  static func writeParameters(
    _ opcode: Opcode, connection: UInt16, _ parameters: ConnectionParameters, into packet: inout BoundedBytes
  ) {
    begin(opcode, length: 14, into: &packet)
    packet.append(littleEndian: UInt64(connection), width: 2)
    parameters.append(to: &packet)
    // No wish for the length of connection events.
    packet.append(littleEndian: 0, width: 4)
  }

  /// Legacy advertising: connectable and scannable, to everybody, on all three channels.
  static func writeAdvertisingParameters(
    interval: UInt16, addressKind: DeviceAddress.Kind, into packet: inout BoundedBytes
  ) {
    begin(.leSetAdvertisingParameters, length: 15, into: &packet)
    packet.append(littleEndian: UInt64(interval), width: 2)
    packet.append(littleEndian: UInt64(interval), width: 2)
    packet.append(0)
    packet.append(addressKind.rawValue)
    // No peer is named.
    packet.appendZeros(7)
    packet.append(0b111)
    packet.append(0)
  }
}
