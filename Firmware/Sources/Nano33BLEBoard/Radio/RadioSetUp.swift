import BLELinkLayer

/// How the RADIO speaks Bluetooth (nRF52840 Product Specification, "RADIO"; Core specification, Vol 6 Part B §2 and §3).
enum RadioSetUp {
  /// To listen: then it turns round to answer.
  static var listening: UInt32 {
    RADIO.Short.readySTART | RADIO.Short.endDISABLE | RADIO.Short.disabledTXEN | RADIO.Short.addressRSSISTART
      | RADIO.Short.disabledRSSISTOP
  }

  /// To send: then it turns round to listen.
  static var sending: UInt32 {
    RADIO.Short.readySTART | RADIO.Short.endDISABLE | RADIO.Short.disabledRXEN
  }

  /// What never changes.
  static func configure() {
    RADIO.modecnf0.value = RADIO.defaultRampUp
    RADIO.tifs.value = RadioCommand.interFrameSpace
    RADIO.txaddress.value = 0
    RADIO.rxaddresses.value = 1
    RADIO.crccnf.value = RADIO.threeBytesWithoutAddress
    // x²⁴ + x¹⁰ + x⁹ + x⁶ + x⁴ + x³ + x + 1.
    RADIO.crcpoly.value = 0x00_065b
    // 0 dBm.
    RADIO.txpower.value = 0
  }

  /// What a command says. The radio is off.
  static func tune(to command: RadioCommand) {
    RADIO.frequency.value = UInt32(command.frequency)
    RADIO.datawhiteiv.value = UInt32(command.channel)
    RADIO.base0.value = command.accessAddress << 8
    RADIO.prefix0.value = command.accessAddress >> 24
    RADIO.crcinit.value = command.crcInit
    RADIO.pcnf1.value =
      RADIO.Packet1.longest(UInt32(command.maximumLength)) | RADIO.Packet1.baseBytes(3)
      | RADIO.Packet1.whitens
    let format = RADIO.Packet0.lengthBits(8) | RADIO.Packet0.oneByteBefore
    switch command.receivePHY {
    case .oneMegabit:
      RADIO.mode.value = RADIO.Mode.ble1Mbit
      RADIO.pcnf0.value = format
    case .twoMegabit:
      RADIO.mode.value = RADIO.Mode.ble2Mbit
      RADIO.pcnf0.value = format | RADIO.Packet0.longPreamble
    }
  }
}
