/// The data channels that are in use, one bit each: 0…36.
struct ChannelMap: Sendable, Equatable {
  static let channelCount: UInt8 = 37

  private(set) var low: UInt32
  private(set) var high: UInt8

  /// The bits above the 37th are reserved and count as 0.
  init(bits: UInt64) {
    low = UInt32(truncatingIfNeeded: bits)
    high = UInt8(truncatingIfNeeded: bits >> 32) & 0x1f
  }

  static var all: ChannelMap { ChannelMap(bits: .max) }

  /// How many there are.
  var count: UInt8 { UInt8(truncatingIfNeeded: low.nonzeroBitCount + high.nonzeroBitCount) }

  func contains(_ channel: UInt8) -> Bool {
    channel < 32 ? low & 1 &<< UInt32(channel) != 0 : high & 1 &<< (channel &- 32) != 0
  }

  /// The channel of which `index` others in use are below; the lowest one if there are no more than `index`.
  func channel(at index: UInt8) -> UInt8 {
    var left = index
    for channel in 0..<Self.channelCount where contains(channel) {
      if left == 0 { return channel }
      left -= 1
    }
    return 0
  }

  /// The five octets of PDUs and HCI as a number.
  var bits: UInt64 { UInt64(low) | UInt64(high) << 32 }
}
