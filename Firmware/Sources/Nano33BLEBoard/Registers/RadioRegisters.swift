/// 2.4 GHz transceiver.
enum RADIO {
  static var interruptNumber: UInt32 { 1 }

  static var tasksTXEN: TaskRegister { TaskRegister(0x4000_1000) }
  static var tasksRXEN: TaskRegister { TaskRegister(0x4000_1004) }
  static var tasksDISABLE: TaskRegister { TaskRegister(0x4000_1010) }

  static var eventsEND: EventRegister { EventRegister(0x4000_110c) }
  static var eventsDISABLED: EventRegister { EventRegister(0x4000_1110) }

  static var shorts: Register { Register(0x4000_1200) }
  static var intenset: Register { Register(0x4000_1304) }
  static var intenclr: Register { Register(0x4000_1308) }
  static var crcstatus: Register { Register(0x4000_1400) }
  static var packetptr: Register { Register(0x4000_1504) }
  static var frequency: Register { Register(0x4000_1508) }
  static var txpower: Register { Register(0x4000_150c) }
  static var mode: Register { Register(0x4000_1510) }
  static var pcnf0: Register { Register(0x4000_1514) }
  static var pcnf1: Register { Register(0x4000_1518) }
  static var base0: Register { Register(0x4000_151c) }
  static var prefix0: Register { Register(0x4000_1524) }
  static var txaddress: Register { Register(0x4000_152c) }
  static var rxaddresses: Register { Register(0x4000_1530) }
  static var crccnf: Register { Register(0x4000_1534) }
  static var crcpoly: Register { Register(0x4000_1538) }
  static var crcinit: Register { Register(0x4000_153c) }
  static var tifs: Register { Register(0x4000_1544) }
  static var rssisample: Register { Register(0x4000_1548) }
  static var state: Register { Register(0x4000_1550) }
  static var datawhiteiv: Register { Register(0x4000_1554) }
  static var modecnf0: Register { Register(0x4000_1650) }

  /// SHORTS.
  enum Short {
    static var readySTART: UInt32 { 1 << 0 }
    static var endDISABLE: UInt32 { 1 << 1 }
    static var disabledTXEN: UInt32 { 1 << 2 }
    static var disabledRXEN: UInt32 { 1 << 3 }
    static var addressRSSISTART: UInt32 { 1 << 4 }
    static var disabledRSSISTOP: UInt32 { 1 << 8 }
  }
  /// INTENSET.
  static var disabledInterrupt: UInt32 { 1 << 4 }
  /// STATE.
  static var disabled: UInt32 { 0 }
  /// MODE.
  enum Mode {
    static var ble1Mbit: UInt32 { 3 }
    static var ble2Mbit: UInt32 { 4 }
  }
  /// PCNF0.
  enum Packet0 {
    /// LFLEN.
    static func lengthBits(_ n: UInt32) -> UInt32 { n }
    /// S0LEN.
    static var oneByteBefore: UInt32 { 1 << 8 }
    /// PLEN.
    static var longPreamble: UInt32 { 1 << 24 }
  }
  /// PCNF1.
  enum Packet1 {
    /// MAXLEN.
    static func longest(_ n: UInt32) -> UInt32 { n }
    /// BALEN.
    static func baseBytes(_ n: UInt32) -> UInt32 { n << 16 }
    /// WHITEEN.
    static var whitens: UInt32 { 1 << 25 }
  }
  /// CRCCNF: three bytes, the address not among what is checked.
  static var threeBytesWithoutAddress: UInt32 { 1 << 8 | 3 }
  /// MODECNF0: ramp-up as long as that of the nRF51, and the middle frequency between READY and START.
  static var defaultRampUp: UInt32 { 2 << 8 }
}

/// AES of single blocks.
enum ECB {
  static var tasksSTARTECB: TaskRegister { TaskRegister(0x4000_e000) }
  static var eventsENDECB: EventRegister { EventRegister(0x4000_e100) }
  static var eventsERRORECB: EventRegister { EventRegister(0x4000_e104) }
  static var ecbdataptr: Register { Register(0x4000_e504) }
}

/// Connections from events to tasks that need no processor.
enum PPI {
  static var chenset: Register { Register(0x4001_f504) }
  static var chenclr: Register { Register(0x4001_f508) }
  static func chEEP(_ n: UInt32) -> Register { Register(0x4001_f510 + 8 * n) }
  static func chTEP(_ n: UInt32) -> Register { Register(0x4001_f514 + 8 * n) }
  static func forkTEP(_ n: UInt32) -> Register { Register(0x4001_f910 + 4 * n) }

  /// CHEN: channels whose ends are wired, by their ends.
  enum Wired {
    static var timer0Compare0TXEN: UInt32 { 1 << 20 }
    static var timer0Compare0RXEN: UInt32 { 1 << 21 }
    static var timer0Compare1DISABLE: UInt32 { 1 << 22 }
    static var addressTimer0CAPTURE1: UInt32 { 1 << 26 }
    static var endTimer0CAPTURE2: UInt32 { 1 << 27 }
  }
}
