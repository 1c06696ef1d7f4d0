import BLESecurity

/// What an initiator settles in CONNECT_IND (Core specification, Vol 6 Part B §2.3.3.1).
struct ConnectRequest: Sendable, Equatable {
  static let length: UInt8 = 34

  var initiator: DeviceAddress
  var usesChannelSelection2: Bool
  var accessAddress: UInt32
  var crcInit: UInt32
  /// Size of the transmit window, in units of 1.25 ms.
  var windowSize: UInt8
  var windowOffset: UInt16
  var parameters: LinkParameters
  var channelMap: ChannelMap
  var hop: UInt8
  /// Worst case of the initiator's sleep clock, in ppm.
  var clockAccuracy: UInt32

  /// Worst cases that the three bits of SCA stand for, in ppm (table 2.12).
  private static let clockAccuracies: InlineArray<8, UInt16> = [500, 250, 150, 100, 75, 50, 30, 20]

  /// - Parameter pdu: header and payload of a packet of this type.
  /// - Returns: nil for one whose fields cannot be obeyed; it is then taken no notice of.
  init?(parsing pdu: Span<UInt8>) {
    guard pdu.count == 2 + Int(Self.length), pdu[1] == Self.length else { return nil }
    initiator = DeviceAddress(
      kind: pdu[0] & 1 << 6 == 0 ? .publicDevice : .random, value: pdu.number(2, width: 6))
    usesChannelSelection2 = pdu[0] & AdvertisingPDU.channelSelection2 != 0
    accessAddress = UInt32(truncatingIfNeeded: pdu.number(14, width: 4))
    crcInit = UInt32(truncatingIfNeeded: pdu.number(18, width: 3))
    windowSize = pdu[21]
    windowOffset = pdu.word(22)
    parameters = LinkParameters(interval: pdu.word(24), latency: pdu.word(26), timeout: pdu.word(28))
    channelMap = ChannelMap(bits: pdu.number(30, width: 5))
    hop = pdu[35] & 31
    clockAccuracy = UInt32(Self.clockAccuracies[Int(pdu[35] >> 5)])
    guard parameters.areValid, parameters.allow(windowSize: windowSize, offset: windowOffset),
      channelMap.count >= 2, hop >= 5, hop <= 16, accessAddress != AdvertisingPDU.accessAddress
    else { return nil }
  }
}

/// How often two devices meet, and how long either may stay silent, in the units of the air.
struct LinkParameters: Sendable, Equatable {
  /// Time between two connection events, in units of 1.25 ms.
  var interval: UInt16
  /// Connection events that the peripheral may sleep through.
  var latency: UInt16
  /// Silence after which the connection is lost, in units of 10 ms.
  var timeout: UInt16

  /// Whether they are what the specification allows (Vol 6 Part B §4.5.1 and §4.5.2).
  var areValid: Bool {
    guard interval >= 6, interval <= 3200, latency <= 499, timeout >= 10, timeout <= 3200 else {
      return false
    }
    // (1 + latency) · interval · 2 < timeout, in units of 1.25 ms.
    return (1 + UInt32(latency)) * UInt32(interval) * 2 < UInt32(timeout) * 8
  }

  /// Whether a transmit window may be like this (Vol 6 Part B §4.5.3): 1.25 ms to 10 ms, and shorter than the interval.
  func allow(windowSize: UInt8, offset: UInt16) -> Bool {
    windowSize >= 1 && UInt16(windowSize) <= min(8, interval - 1) && offset <= interval
  }

  /// Time between two connection events, in µs.
  var intervalTime: UInt32 { UInt32(interval) * 1250 }
  /// Silence after which the connection is lost, in µs.
  var timeoutTime: UInt32 { UInt32(timeout) * 10_000 }
}
