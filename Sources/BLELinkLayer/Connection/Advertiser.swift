import BLESecurity

/// Advertising: what is sent, and when (Core specification, Vol 6 Part B §4.4.2).
struct Advertiser {
  var isEnabled = false
  var address: DeviceAddress?
  /// Time between two advertising events, without the random delay, in units of 0.625 ms.
  var interval: UInt16 = 0x0800
  /// Which of the channels 37, 38 and 39 are used, one bit each.
  var channels: UInt8 = 0b111
  var data = AdvertisingData()
  var response = AdvertisingData()

  private var index: UInt8 = 0
  private var eventStart: RadioTime?
  /// State of a generator for delays, which need not be secret (Marsaglia's xorshift of 32 bits).
  private var noise: UInt32 = 0x9e37_79b9
  private var responseLength: UInt8 = 0

  /// Begins with the first channel, `seed` making the delays differ from those of others.
  mutating func begin(seed: UInt32) {
    isEnabled = true
    index = 0
    eventStart = nil
    noise = seed | 1
  }

  /// The next advertisement.
  mutating func next(
    now: RadioTime, lead: UInt32, _ memory: borrowing PacketMemory, features: LinkFeatures
  ) -> RadioCommand? {
    guard let address else { return nil }
    let soonest = now + lead
    var start = eventStart ?? soonest
    while channels & 1 << index == 0 || index > 2 {
      index += 1
      if index > 2 {
        index = 0
        start = start + UInt32(interval) * 625 + delay()
        eventStart = start
      }
    }
    if eventStart == nil { eventStart = start }
    if start.isBefore(soonest) { start = soonest }
    var header = AdvertisingPDU.header(AdvertisingPDU.advertisement, address)
    if features.contains(.channelSelection2) { header |= AdvertisingPDU.channelSelection2 }
    let packet = data.write(header: header, address, to: PacketMemory.advertisement, of: memory)
    let scanHeader = AdvertisingPDU.header(AdvertisingPDU.scanResponse, address)
    responseLength =
      response.write(header: scanHeader, address, to: PacketMemory.scanResponse, of: memory).length
    let channel = 37 + index
    index += 1
    return RadioCommand(
      opening: .transmit(packet, header: header), start: start, window: 0, channel: channel,
      accessAddress: AdvertisingPDU.accessAddress, crcInit: AdvertisingPDU.crcInit, receivePHY: .oneMegabit,
      transmitPHY: .oneMegabit, maximumLength: AdvertisingPDU.longest)
  }

  /// Tells the interrupt what it has to compare and to answer.
  func describe(to event: inout AdvertisingEvent) {
    guard let address else { return }
    event.address = address.value
    event.isRandom = address.kind == .random
    event.scanResponse.length = responseLength
    event.scanResponseHeader = AdvertisingPDU.header(AdvertisingPDU.scanResponse, address)
  }

  /// 0…10 ms, in µs.
  private mutating func delay() -> UInt32 {
    noise ^= noise << 13
    noise ^= noise >> 17
    noise ^= noise << 5
    return noise % 10_001
  }
}
