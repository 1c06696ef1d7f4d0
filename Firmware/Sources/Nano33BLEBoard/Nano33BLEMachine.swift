import BoardRuntime
import BoardStorage
public import BoardSupport
public import CBoard
public import LinkProtocol

/// The Arduino Nano 33 BLE as a board. Its carrier is the serial port on the pins TX and RX; USB and Bluetooth have no
/// drivers, and would be further carriers behind the same protocol.
public struct Nano33BLEMachine: Machine, ~Copyable {
  /// Flash, examples, random numbers, LED.
  public typealias Hardware = Nano33BLEHardware

  private static var sendRing: Int { 2048 }
  private static var longestSleep: UInt64 { .seconds(1) }
  /// Faults in a row, each within seconds of a start, after which the watchdog restarts the board, which takes longer.
  private static var mostFaults: UInt32 { 5 }

  private var clock: Clock

  /// Starts the board's drivers. Their interrupts run from now on.
  public init() {
    if Watchdog.takeHasReset() {
      var record = FaultRecord(exception: 2, status: 0, address: 0, pc: 0, lr: 0)
      _ = fault_keep(&record)
    }
    clock = Clock()
    serialPort.open(sendRing: Self.sendRing)
    Watchdog.start()
  }

  /// The chip's own number, which is the board's identity.
  public static var identity: UInt64 {
    let factory = Peripheral(base: 0x1000_0000)
    return UInt64(factory.read(0x064)) << 32 | UInt64(factory.read(0x060))
  }

  /// What the board runs with.
  public static func makeHardware() -> Nano33BLEHardware { Nano33BLEHardware() }

  /// The time since it was started.
  public mutating func now() -> Timestamp { clock.now() }

  /// Takes bytes that came in.
  public func receive(into room: inout MutableSpan<UInt8>) -> Int { serialPort.take(into: &room) }

  /// Queues bytes to go out.
  public func transmit(_ bytes: Span<UInt8>) -> Int { serialPort.send(bytes) }

  /// Bytes that the port lost; a line error counts as one at least.
  public var bytesLost: UInt32 { serialPort.lost }

  /// A serial port cannot tell: somebody may always be there.
  public var isAttached: Bool { true }

  /// Shows the watchdog that the main loop goes round.
  public func feedWatchdog() { Watchdog.feed() }

  /// Sleeps until an interrupt or `deadline`, at most a second.
  public mutating func sleep(until deadline: Timestamp?, awaiting room: AwaitedRoom) {
    interrupts_disable()
    defer { interrupts_enable() }
    guard !serialPort.hasReceived, !(room.contains(.carrier) && serialPort.hasRoom) else { return }
    var left = Self.longestSleep
    if let deadline {
      let now = clock.now()
      guard deadline > now else { return }
      left = min(left, deadline - now)
    }
    Clock.sleep(for: UInt32(truncatingIfNeeded: left))
  }

  /// Keeps a fault for the gateway's log and restarts. If that did not help several times, lights the red LED and lets
  /// the watchdog do it.
  public static func restart(after record: FaultRecord) -> Never {
    var record = record
    if fault_keep(&record) < mostFaults { system_reset() }
    Pins.lightRed()
    while true { wait_for_interrupt() }
  }
}
