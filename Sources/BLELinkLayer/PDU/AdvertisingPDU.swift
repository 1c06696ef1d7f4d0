import BLESecurity
import Bytes

/// Packets of the advertising channels (Core specification, Vol 6 Part B §2.3).
enum AdvertisingPDU {
  static let advertisement: UInt8 = 0
  static let scanRequest: UInt8 = 3
  static let scanResponse: UInt8 = 4
  static let connectRequest: UInt8 = 5
  /// Says in an advertisement and in a request to connect that channel selection algorithm #2 is there.
  static let channelSelection2: UInt8 = 1 << 5

  static let accessAddress: UInt32 = 0x8e89_bed6
  static let crcInit: UInt32 = 0x55_5555
  /// The longest payload of the packets that are used here: an address and 31 octets of data.
  static let longest: UInt8 = 37

  /// The first octet of a packet of an advertiser with this address.
  static func header(_ type: UInt8, _ address: DeviceAddress) -> UInt8 {
    type | (address.kind == .random ? 1 << 6 : 0)
  }
}

/// Up to 31 octets that are advertised or answered to scanners.
struct AdvertisingData: Sendable {
  static let capacity = 31
  private(set) var octets = InlineArray<31, UInt8>(repeating: 0)
  private(set) var count = 0

  /// Takes the parameters of the HCI command: a length, then 31 octets; nil if that is not what they are.
  init?(parsing parameters: Span<UInt8>) {
    guard parameters.count == 1 + Self.capacity, parameters[0] <= UInt8(Self.capacity) else { return nil }
    count = Int(parameters[0])
    for i in 0..<count { octets[i] = parameters[1 + i] }
  }

  init() {}

  /// Writes the packet that carries it into a buffer.
  func write(header: UInt8, _ address: DeviceAddress, to buffer: UInt8, of memory: borrowing PacketMemory)
    -> Packet
  {
    let length = UInt8(truncatingIfNeeded: DeviceAddress.octetCount + count)
    memory[buffer, 0] = header
    memory[buffer, 1] = length
    for i in 0..<DeviceAddress.octetCount { memory[buffer, 2 + i] = address.octet(i) }
    for i in 0..<count { memory[buffer, 8 + i] = octets[i] }
    return Packet(buffer: buffer, length: length)
  }
}
