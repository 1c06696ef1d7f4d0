/// Factory information configuration registers.
enum FICR {
  /// 0: the low word of the chip's number, 1: the high one.
  static func deviceID(_ word: UInt32) -> Register { Register(0x1000_0060 + 4 * word) }
  /// The same of a number of 48 bits for a Bluetooth address.
  static func deviceAddress(_ word: UInt32) -> Register { Register(0x1000_00a4 + 4 * word) }
}

/// Clock control. Shares addresses and interrupt with ``POWER``.
enum CLOCK {
  static var tasksHFCLKSTART: TaskRegister { TaskRegister(0x4000_0000) }
  static var eventsHFCLKSTARTED: EventRegister { EventRegister(0x4000_0100) }
  static var hfclkstat: Register { Register(0x4000_040c) }

  /// HFCLKSTAT: SRC is the crystal, STATE is running.
  static var crystalRuns: UInt32 { 1 << 16 | 1 }
}

/// Power supply.
enum POWER {
  static var interruptNumber: UInt32 { 0 }

  static var eventsUSBDETECTED: EventRegister { EventRegister(0x4000_011c) }
  static var eventsUSBREMOVED: EventRegister { EventRegister(0x4000_0120) }
  static var eventsUSBPWRRDY: EventRegister { EventRegister(0x4000_0124) }
  static var intenset: Register { Register(0x4000_0304) }
  static var intenclr: Register { Register(0x4000_0308) }
  static var resetreas: Register { Register(0x4000_0400) }
  static var usbregstatus: Register { Register(0x4000_0438) }
  static var gpregret: Register { Register(0x4000_051c) }

  /// INTENSET, those of CLOCK among them.
  enum Interrupt {
    static var hfclkstarted: UInt32 { 1 << 0 }
    static var usbdetected: UInt32 { 1 << 7 }
    static var usbremoved: UInt32 { 1 << 8 }
    static var usbpwrrdy: UInt32 { 1 << 9 }
  }
  /// RESETREAS.
  enum Reason {
    static var dog: UInt32 { 1 << 1 }
  }
  /// USBREGSTATUS.
  enum USBRegulator {
    static var vbusdetect: UInt32 { 1 << 0 }
    static var outputrdy: UInt32 { 1 << 1 }
  }
}

/// Non-volatile memory controller.
enum NVMC {
  static var ready: Register { Register(0x4001_e400) }
  static var config: Register { Register(0x4001_e504) }
  static var erasepagepartial: Register { Register(0x4001_e518) }
  static var erasepagepartialcfg: Register { Register(0x4001_e51c) }

  /// CONFIG.WEN.
  enum Mode {
    static var ren: UInt32 { 0 }
    static var wen: UInt32 { 1 }
    static var een: UInt32 { 2 }
  }
}

/// Random number generator.
enum RNG {
  static var tasksSTART: TaskRegister { TaskRegister(0x4000_d000) }
  static var tasksSTOP: TaskRegister { TaskRegister(0x4000_d004) }
  static var eventsVALRDY: EventRegister { EventRegister(0x4000_d100) }
  static var config: Register { Register(0x4000_d504) }
  static var value: Register { Register(0x4000_d508) }

  /// CONFIG: bias correction.
  static var dercen: UInt32 { 1 }
}

/// A timer of up to 32 bits with four registers to capture it and to compare it with.
struct Timer {
  private let base: UInt32

  fileprivate init(_ base: UInt32) { self.base = base }

  var tasksSTART: TaskRegister { TaskRegister(base) }
  var tasksSTOP: TaskRegister { TaskRegister(base + 0x004) }
  var tasksCLEAR: TaskRegister { TaskRegister(base + 0x00c) }
  func tasksCAPTURE(_ n: UInt32) -> TaskRegister { TaskRegister(base + 0x040 + 4 * n) }
  func eventsCOMPARE(_ n: UInt32) -> EventRegister { EventRegister(base + 0x140 + 4 * n) }
  var intenset: Register { Register(base + 0x304) }
  var bitmode: Register { Register(base + 0x508) }
  var prescaler: Register { Register(base + 0x510) }
  func cc(_ n: UInt32) -> Register { Register(base + 0x540 + 4 * n) }

  /// INTENSET.
  static func compareInterrupt(_ n: UInt32) -> UInt32 { 1 << (16 + n) }
  /// BITMODE.
  static var bits32: UInt32 { 3 }
  /// PRESCALER: 16 MHz divided by 2⁴.
  static var microseconds: UInt32 { 4 }

  var interruptNumber: UInt32 { base >> 12 & 0xff }

  /// Sets it to 0, to count microseconds in 32 bits once it is started.
  func setToMicroseconds() {
    tasksSTOP.trigger()
    tasksCLEAR.trigger()
    bitmode.value = Self.bits32
    prescaler.value = Self.microseconds
  }
}

var TIMER0: Timer { Timer(0x4000_8000) }
var TIMER1: Timer { Timer(0x4000_9000) }
var TIMER2: Timer { Timer(0x4000_a000) }

/// Watchdog timer.
enum WDT {
  static var tasksSTART: TaskRegister { TaskRegister(0x4001_0000) }
  static var runstatus: Register { Register(0x4001_0400) }
  static var crv: Register { Register(0x4001_0504) }
  static var rren: Register { Register(0x4001_0508) }
  static var config: Register { Register(0x4001_050c) }
  static func rr(_ n: UInt32) -> Register { Register(0x4001_0600 + 4 * n) }

  /// CONFIG: goes on while the processor sleeps, stands while a debugger holds it.
  static var sleepRun: UInt32 { 1 }
  /// RR: the only word that counts.
  static var reload: UInt32 { 0x6e52_4635 }
}

/// Port 0 of the general purpose pins.
enum P0 {
  static var outset: Register { Register(0x5000_0508) }
  static var outclr: Register { Register(0x5000_050c) }
  static var dirset: Register { Register(0x5000_0518) }
}
