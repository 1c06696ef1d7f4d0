import BLESecurity
import Bytes

/// How far advertising has come, and the commands that bring it on.
struct Advertising {
  enum Step: Equatable {
    /// The controller has to be told everything.
    case parameters, data, scanResponse
    /// It knows everything and is silent.
    case off
    case on
  }

  private(set) var step = Step.parameters
  /// What the last command to enable or disable said; somebody may have connected before it was answered.
  private var isEnabling = false
  /// Whether the owner wants the board to be found.
  var isWanted = true

  /// The controller was reset.
  mutating func restart() { step = .parameters }

  /// It fell silent by itself: somebody connected.
  mutating func fellSilent() { if step == .on { step = .off } }

  /// The command that is due; nil if nothing is to be done.
  func dueCommand(isConnected: Bool) -> Opcode? {
    switch step {
    case .parameters: .leSetAdvertisingParameters
    case .data: .leSetAdvertisingData
    case .scanResponse: .leSetScanResponse
    case .off: isWanted && !isConnected ? .leSetAdvertisingEnable : nil
    case .on: isWanted && !isConnected ? nil : .leSetAdvertisingEnable
    }
  }

  /// The command that was due succeeded.
  mutating func succeeded() {
    switch step {
    case .parameters: step = .data
    case .data: step = .scanResponse
    case .scanResponse: step = .off
    case .off, .on: step = isEnabling ? .on : .off
    }
  }

  /// Writes the command that is due.
  @inline(never)
  mutating func writeCommand(
    _ opcode: Opcode, _ configuration: BLEHostConfiguration, into packet: inout BoundedBytes
  ) {
    switch opcode {
    case .leSetAdvertisingParameters:
      HCICommand.writeAdvertisingParameters(
        interval: configuration.advertisingInterval,
        addressKind: configuration.address?.kind ?? .publicDevice,
        into: &packet)
    case .leSetAdvertisingData:
      Self.writeData(opcode, into: &packet) { data in
        // General discoverable, no BR/EDR.
        data.append(2)
        data.append(0x01)
        data.append(0x06)
        // All services with UUIDs of 128 bits.
        data.append(17)
        data.append(0x07)
        AttributeType.own(1).append(to: &data)
      }
    case .leSetScanResponse:
      let name = configuration.texts.name
      Self.writeData(opcode, into: &packet) { data in
        let length = min(name.count, 29)
        data.append(UInt8(truncatingIfNeeded: length + 1))
        // Complete or shortened name.
        data.append(length == name.count ? 0x09 : 0x08)
        for i in 0..<length { data.append(name.span[i]) }
      }
    default:
      isEnabling = step == .off
      HCICommand.write(opcode, isEnabling ? 1 : 0, width: 1, into: &packet)
    }
  }

  /// A length octet and 31 octets of data, the unused ones zero.
  private static func writeData(
    _ opcode: Opcode, into packet: inout BoundedBytes, _ body: (inout BoundedBytes) -> Void
  ) {
    HCICommand.begin(opcode, length: 32, into: &packet)
    let lengthAt = packet.count
    packet.append(0)
    body(&packet)
    let length = packet.count - lengthAt - 1
    packet.appendZeros(31 - length)
    var octets = packet.mutableSpan
    octets[lengthAt] = UInt8(truncatingIfNeeded: length)
  }
}
