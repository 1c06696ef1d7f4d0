import Bytes

/// USB 2.0, table 9-5; association after the ECN of 2003; CDC 1.2, table 12.
enum DescriptorType {
  static let device: UInt8 = 1
  static let configuration: UInt8 = 2
  static let string: UInt8 = 3
  static let interface: UInt8 = 4
  static let endpoint: UInt8 = 5
  static let association: UInt8 = 11
  static let classInterface: UInt8 = 0x24
}

/// The numbers of the two interfaces.
enum Interface {
  static let control: UInt8 = 0
  static let data: UInt8 = 1
  static let count: UInt8 = 2
}

/// Everything that GET_DESCRIPTOR gives away, in memory, as controllers read no flash.
///
/// One function, a serial port after the abstract control model (CDC 1.2 and PSTN 1.2). Its protocol is 0: with 1, as
/// in Arduino's own core, it would claim to understand a modem's commands, and be tried by programs that look for one.
struct Descriptors: ~Copyable {
  /// Its value in SET_CONFIGURATION.
  static let configurationValue: UInt8 = 1
  private static let english: UInt16 = 0x0409
  private static let busPoweredWithRemoteWakeUp: UInt8 = 0xa0
  /// 100 mA, in units of 2.
  private static let mostCurrent: UInt8 = 50
  private static let capacity = 18 + 75 + 4 + 3 * (2 + 2 * ShortText.capacity)

  private enum StringIndex {
    static let manufacturer: UInt8 = 1
    static let name: UInt8 = 2
    static let serialNumber: UInt8 = 3
  }

  private(set) var bytes = BoundedBytes(capacity: capacity)
  private let device: Range<Int>
  private let configuration: Range<Int>
  private let strings: InlineArray<4, Range<Int>>

  init(_ identity: DeviceIdentity) {
    var bytes = BoundedBytes(capacity: Self.capacity)
    Self.appendDevice(identity, to: &bytes)
    device = 0..<bytes.count
    Self.appendConfiguration(to: &bytes)
    configuration = device.upperBound..<bytes.count
    var strings = InlineArray<4, Range<Int>>(repeating: 0..<0)
    Self.append([4, DescriptorType.string], to: &bytes)
    bytes.append(littleEndian: UInt64(Self.english), width: 2)
    strings[0] = configuration.upperBound..<bytes.count
    strings[1] = Self.appendString(identity.manufacturer, to: &bytes)
    strings[2] = Self.appendString(identity.name, to: &bytes)
    strings[3] = Self.appendString(identity.serialNumber, to: &bytes)
    self.strings = strings
    self.bytes = bytes
  }

  /// Where in ``bytes`` a descriptor lies; nil if there is none. A device that knows one speed only has no qualifier
  /// (9.6.2).
  func range(type: UInt8, index: UInt8, language: UInt16) -> Range<Int>? {
    switch type {
    case DescriptorType.device where index == 0 && language == 0: device
    case DescriptorType.configuration where index == 0 && language == 0: configuration
    case DescriptorType.string where index == 0 || (index < 4 && language == Self.english):
      strings[Int(index)]
    default: nil
    }
  }

  // MARK: Building

  private static func append<let count: Int>(
    _ octets: InlineArray<count, UInt8>, to bytes: inout BoundedBytes
  ) {
    bytes.append(contentsOf: octets.span)
  }

  private static func appendDevice(_ identity: DeviceIdentity, to bytes: inout BoundedBytes) {
    // USB 2.0; class, subclass and protocol of a device with interface associations.
    append([18, DescriptorType.device, 0x00, 0x02, 0xef, 2, 1, UInt8(SerialDevice.packetSize)], to: &bytes)
    bytes.append(littleEndian: UInt64(identity.vendor), width: 2)
    bytes.append(littleEndian: UInt64(identity.product), width: 2)
    bytes.append(littleEndian: UInt64(identity.release), width: 2)
    append([StringIndex.manufacturer, StringIndex.name, StringIndex.serialNumber, 1], to: &bytes)
  }

  private static func appendConfiguration(to bytes: inout BoundedBytes) {
    let communications: UInt8 = 2
    let abstractControlModel: UInt8 = 2
    let data: UInt8 = 10
    let start = bytes.count
    append(
      [
        9, DescriptorType.configuration, 0, 0, Interface.count, configurationValue, 0,
        busPoweredWithRemoteWakeUp,
        mostCurrent,
      ], to: &bytes)
    append(
      [
        8, DescriptorType.association, Interface.control, Interface.count, communications,
        abstractControlModel, 0, 0,
      ],
      to: &bytes)
    append(
      [9, DescriptorType.interface, Interface.control, 0, 1, communications, abstractControlModel, 0, 0],
      to: &bytes)
    // Header: CDC 1.20. Call management: none. Abstract control: line coding and state, break. Union.
    append([5, DescriptorType.classInterface, 0, 0x20, 0x01], to: &bytes)
    append([5, DescriptorType.classInterface, 1, 0, Interface.data], to: &bytes)
    append([4, DescriptorType.classInterface, 2, 0x06], to: &bytes)
    append([5, DescriptorType.classInterface, 6, Interface.control, Interface.data], to: &bytes)
    appendEndpoint(.notifications, isBulk: false, interval: 16, to: &bytes)
    append([9, DescriptorType.interface, Interface.data, 0, 2, data, 0, 0, 0], to: &bytes)
    appendEndpoint(.bytesOut, isBulk: true, interval: 0, to: &bytes)
    appendEndpoint(.bytesIn, isBulk: true, interval: 0, to: &bytes)
    // The length of all of them is known now.
    let length = bytes.count - start
    var written = bytes.mutableSpan
    written[start + 2] = UInt8(truncatingIfNeeded: length)
    written[start + 3] = UInt8(truncatingIfNeeded: length >> 8)
  }

  private static func appendEndpoint(
    _ endpoint: Endpoint, isBulk: Bool, interval: UInt8, to bytes: inout BoundedBytes
  ) {
    append(
      [
        7, DescriptorType.endpoint, endpoint.rawValue, isBulk ? 2 : 3, UInt8(endpoint.packetSize), 0,
        interval,
      ],
      to: &bytes)
  }

  private static func appendString(_ text: ShortText, to bytes: inout BoundedBytes) -> Range<Int> {
    let start = bytes.count
    append([UInt8(2 + 2 * text.count), DescriptorType.string], to: &bytes)
    for i in 0..<text.count { bytes.append(littleEndian: UInt64(text.span[i]), width: 2) }
    return start..<bytes.count
  }
}
