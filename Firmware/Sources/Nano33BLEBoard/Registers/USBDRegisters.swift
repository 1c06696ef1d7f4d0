/// Universal serial bus device.
enum USBD {
  static var interruptNumber: UInt32 { 39 }

  static func tasksSTARTEPIN(_ n: UInt32) -> TaskRegister { TaskRegister(0x4002_7004 + 4 * n) }
  static func tasksSTARTEPOUT(_ n: UInt32) -> TaskRegister { TaskRegister(0x4002_7028 + 4 * n) }
  static var tasksEP0RCVOUT: TaskRegister { TaskRegister(0x4002_704c) }
  static var tasksEP0STATUS: TaskRegister { TaskRegister(0x4002_7050) }
  static var tasksEP0STALL: TaskRegister { TaskRegister(0x4002_7054) }
  static var tasksDPDMDRIVE: TaskRegister { TaskRegister(0x4002_7058) }

  static var eventsUSBRESET: EventRegister { EventRegister(0x4002_7100) }
  static func eventsENDEPIN(_ n: UInt32) -> EventRegister { EventRegister(0x4002_7108 + 4 * n) }
  static var eventsEP0DATADONE: EventRegister { EventRegister(0x4002_7128) }
  static func eventsENDEPOUT(_ n: UInt32) -> EventRegister { EventRegister(0x4002_7130 + 4 * n) }
  static var eventsSOF: EventRegister { EventRegister(0x4002_7154) }
  static var eventsUSBEVENT: EventRegister { EventRegister(0x4002_7158) }
  static var eventsEP0SETUP: EventRegister { EventRegister(0x4002_715c) }
  static var eventsEPDATA: EventRegister { EventRegister(0x4002_7160) }

  static var intenset: Register { Register(0x4002_7304) }
  static var intenclr: Register { Register(0x4002_7308) }
  static var eventcause: Register { Register(0x4002_7400) }
  static var epdatastatus: Register { Register(0x4002_746c) }
  static var usbaddr: Register { Register(0x4002_7470) }
  static var bmrequesttype: Register { Register(0x4002_7480) }
  static var brequest: Register { Register(0x4002_7484) }
  static var wvaluel: Register { Register(0x4002_7488) }
  static var wvalueh: Register { Register(0x4002_748c) }
  static var windexl: Register { Register(0x4002_7490) }
  static var windexh: Register { Register(0x4002_7494) }
  static var wlengthl: Register { Register(0x4002_7498) }
  static var wlengthh: Register { Register(0x4002_749c) }
  static func sizeEPOUT(_ n: UInt32) -> Register { Register(0x4002_74a0 + 4 * n) }
  static var enable: Register { Register(0x4002_7500) }
  static var usbpullup: Register { Register(0x4002_7504) }
  static var dpdmvalue: Register { Register(0x4002_7508) }
  static var dtoggle: Register { Register(0x4002_750c) }
  static var epinen: Register { Register(0x4002_7510) }
  static var epouten: Register { Register(0x4002_7514) }
  static var epstall: Register { Register(0x4002_7518) }
  static var lowpower: Register { Register(0x4002_752c) }

  static func epinPTR(_ n: UInt32) -> Register { Register(0x4002_7600 + 0x14 * n) }
  static func epinMAXCNT(_ n: UInt32) -> Register { Register(0x4002_7604 + 0x14 * n) }
  static func epoutPTR(_ n: UInt32) -> Register { Register(0x4002_7700 + 0x14 * n) }
  static func epoutMAXCNT(_ n: UInt32) -> Register { Register(0x4002_7704 + 0x14 * n) }

  /// INTENSET.
  enum Interrupt {
    static var usbreset: UInt32 { 1 << 0 }
    static var ep0datadone: UInt32 { 1 << 10 }
    static var sof: UInt32 { 1 << 21 }
    static var usbevent: UInt32 { 1 << 22 }
    static var ep0setup: UInt32 { 1 << 23 }
    static var epdata: UInt32 { 1 << 24 }
  }
  /// EVENTCAUSE; writing 1 clears.
  enum Cause {
    static var suspend: UInt32 { 1 << 8 }
    static var resume: UInt32 { 1 << 9 }
    static var usbwuallowed: UInt32 { 1 << 10 }
    static var ready: UInt32 { 1 << 11 }
  }
  /// EPDATASTATUS; writing 1 clears.
  enum DataStatus {
    static func epin(_ n: UInt32) -> UInt32 { 1 << n }
    static func epout(_ n: UInt32) -> UInt32 { 1 << (16 + n) }
  }
  /// DTOGGLE, beside the endpoint's address.
  enum Toggle {
    static var nop: UInt32 { 0 << 8 }
    static var data0: UInt32 { 1 << 8 }
  }
  /// EPSTALL, beside the endpoint's address.
  enum Stall {
    static var unstall: UInt32 { 0 << 8 }
    static var stall: UInt32 { 1 << 8 }
  }
  /// DPDMVALUE.
  static var driveResume: UInt32 { 1 }
  /// LOWPOWER.
  enum Power {
    static var forceNormal: UInt32 { 0 }
    static var lowPower: UInt32 { 1 }
  }
}
