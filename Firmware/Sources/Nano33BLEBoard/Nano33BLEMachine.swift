import BoardRuntime
import BoardStorage
public import BoardSupport
import Bytes
public import CBoard
public import LinkProtocol
import USBDevice

/// The Arduino Nano 33 BLE as a board. Its carriers are its USB port, and Bluetooth, for whose host it has a controller.
public struct Nano33BLEMachine: Machine, ~Copyable {
  /// Flash, examples, random numbers, LEDs.
  public typealias Hardware = Nano33BLEHardware

  private static var longestSleep: UInt64 { .seconds(1) }
  /// Faults in a row, each within seconds of a start, after which the watchdog restarts the board, which takes longer.
  private static var mostFaults: UInt32 { 5 }

  private var clock: Clock
  private let port: USBCarrier
  /// The Bluetooth controller.
  public let controller: Nano33BLEController
  private var touch = BootloaderTouch()

  /// Starts the board's drivers. Their interrupts run from now on.
  public init() {
    if Watchdog.takeHasReset() {
      var record = FaultRecord(exception: 2, status: 0, address: 0, pc: 0, lr: 0)
      _ = fault_keep(&record)
    }
    // Before anything that could fail.
    Watchdog.start()
    lights.configure()
    clock = Clock()
    port = USBCarrier(
      identity: DeviceIdentity(
        // Arduino's ids, by which tools and rules know the board.
        vendor: 0x2341, product: 0x805a, release: 0x0010, manufacturer: ShortText("FedBridge"),
        name: ShortText("Nano 33 BLE"),
        identity: Self.identity))
    controller = Nano33BLEController()
  }

  /// The chip's own number, which is the board's identity.
  public static var identity: UInt64 {
    UInt64(FICR.deviceID(1).value) << 32 | UInt64(FICR.deviceID(0).value)
  }

  /// A number of 48 bits that the chip was given for a Bluetooth address.
  public static var addressNumber: UInt64 {
    UInt64(FICR.deviceAddress(1).value) << 32 | UInt64(FICR.deviceAddress(0).value)
  }

  /// A word from the chip's generator.
  public static func randomWord() -> UInt32 { RandomSource.word() }

  /// What the board runs with.
  public static func makeHardware() -> Nano33BLEHardware { Nano33BLEHardware() }

  /// The time since it was started.
  public mutating func now() -> Timestamp { clock.now() }

  /// Takes bytes that came in.
  public func receive(into room: inout MutableSpan<UInt8>) -> Int { port.receive(into: &room) }

  /// Queues bytes to go out.
  public func transmit(_ bytes: Span<UInt8>) -> Int { port.send(bytes) }

  /// The port loses none: the host keeps what there is no room for.
  public var bytesLost: UInt32 { 0 }

  /// Whether somebody has the port open.
  public var isAttached: Bool { port.isAttached }

  /// Shows on the LEDs who is there.
  public func show(_ link: LinkStatus) { lights.link = link }

  /// Shows the watchdog that the main loop goes round; leaves for the bootloader if the host has asked for it.
  public mutating func feedWatchdog() {
    Watchdog.feed()
    let now = clock.now()
    if touch.isDue(isAsked: port.asksForBootloader, now: now) { Bootloader.enter() }
    lights.follow(now: now)
  }

  /// Sleeps until an interrupt or `deadline`, at most a second.
  public mutating func sleep(until deadline: Timestamp?, awaiting room: AwaitedRoom) {
    lights.follow(now: clock.now())
    interrupts_disable()
    defer { interrupts_enable() }
    guard !port.hasNews, !(room.contains(.carrier) && port.hasRoom), !controller.hasNews,
      !(room.contains(.controller) && controller.hasRoom)
    else { return }
    let now = clock.now()
    let due = Timestamp.earliest(deadline, .earliest(touch.deadline, lights.deadline))
    let left = due.map { $0 - now } ?? Self.longestSleep
    guard left > 0 else { return }
    Clock.sleep(for: UInt32(truncatingIfNeeded: min(left, Self.longestSleep)))
  }

  /// Keeps a fault for the gateway's log and restarts. If that did not help several times, lights the red LED and lets
  /// the watchdog do it.
  public static func restart(after record: FaultRecord) -> Never {
    var record = record
    if fault_keep(&record) < mostFaults { system_reset() }
    RadioDriver.silence()
    Lights.showSurrender()
    while true { wait_for_interrupt() }
  }
}
