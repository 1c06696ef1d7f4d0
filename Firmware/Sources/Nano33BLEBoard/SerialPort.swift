import BoardSupport
import CBoard
import Synchronization

/// UARTE0 on the pins TX and RX, 115,200 baud, 8 bits, no parity, no flow control.
///
/// What comes in goes to memory by DMA, so that nothing is lost while the processor stands still for the flash. The
/// DMA fills a ring, segment by segment. How far it has come is counted by TIMER2, which the PPI lets step on with
/// each byte; there is no register that says so.
struct SerialPort: ~Copyable {
  private static var uart: Peripheral { Peripheral(base: 0x4000_2000) }
  private static var counter: Peripheral { Peripheral(base: 0x4000_a000) }
  private static var interconnect: Peripheral { Peripheral(base: 0x4001_f000) }
  private static var interruptNumber: UInt32 { 2 }

  private enum Register {
    static var startReceiver: UInt32 { 0x000 }
    static var stopReceiver: UInt32 { 0x004 }
    static var startTransmitter: UInt32 { 0x008 }
    static var byteReceived: UInt32 { 0x108 }
    static var sent: UInt32 { 0x120 }
    static var error: UInt32 { 0x124 }
    static var receiverStopped: UInt32 { 0x144 }
    static var segmentBegun: UInt32 { 0x14c }
    static var shortcuts: UInt32 { 0x200 }
    static var enableInterrupts: UInt32 { 0x304 }
    static var errorSource: UInt32 { 0x480 }
    static var enable: UInt32 { 0x500 }
    static var transmitPin: UInt32 { 0x50c }
    static var receivePin: UInt32 { 0x514 }
    static var baudRate: UInt32 { 0x524 }
    static var receiveMemory: UInt32 { 0x534 }
    static var receiveLength: UInt32 { 0x538 }
    static var sendMemory: UInt32 { 0x544 }
    static var sendLength: UInt32 { 0x548 }
    // Of TIMER2.
    static var count: UInt32 { 0x008 }
    static var clear: UInt32 { 0x00c }
    static var capture: UInt32 { 0x040 }
    static var counterMode: UInt32 { 0x504 }
    static var counterBits: UInt32 { 0x508 }
    static var captured: UInt32 { 0x540 }
    // Of the PPI, channel 0.
    static var enableChannels: UInt32 { 0x504 }
    static var event: UInt32 { 0x510 }
    static var task: UInt32 { 0x514 }
  }
  private enum Value {
    static var uarte: UInt32 { 8 }
    static var baud115200: UInt32 { 0x01d6_0000 }
    static var restartWhenFull: UInt32 { 1 << 5 }
    /// byteReceived, sent, error, segmentBegun.
    static var interrupts: UInt32 { 1 << 2 | 1 << 8 | 1 << 9 | 1 << 19 }
    static var countsEvents: UInt32 { 1 }
    static var thirtyTwoBits: UInt32 { 3 }
  }

  /// Bytes of a segment: an erasing of flash takes as long as 980.
  private static var segment: UInt32 { 1024 }
  private static var segments: UInt32 { 8 }
  private static var ring: UInt32 { segment * segments }
  /// Reads of a 16 MHz register until a byte that was counted lies in memory for sure.
  private static var settling: Int { 8 }
  private static var patience: Int { 10_000 }

  private var received: UnsafeMutablePointer<UInt8>?
  private var taken: UInt32 = 0
  private(set) var lost: UInt32 = 0
  private let hasFailed = Atomic<Bool>(false)
  private var toSend = ByteRing()
  /// Bytes that the DMA is sending.
  private let sending = Atomic<UInt32>(0)

  /// - Parameter sendRing: bytes that may wait to go out.
  mutating func open(sendRing: Int) {
    received = .allocate(capacity: Int(Self.ring))
    toSend.allocate(capacity: sendRing)
    Pins.configureSerial()

    Self.counter.write(Register.counterMode, Value.countsEvents)
    Self.counter.write(Register.counterBits, Value.thirtyTwoBits)
    Self.interconnect.write(Register.event, Self.uart.base + Register.byteReceived)
    Self.interconnect.write(Register.task, Self.counter.base + Register.count)
    Self.interconnect.write(Register.enableChannels, 1)

    Self.uart.write(Register.transmitPin, Pins.transmit)
    Self.uart.write(Register.receivePin, Pins.receive)
    Self.uart.write(Register.baudRate, Value.baud115200)
    Self.uart.write(Register.shortcuts, Value.restartWhenFull)
    Self.uart.write(Register.enable, Value.uarte)
    startReceiver()
    Self.uart.write(Register.enableInterrupts, Value.interrupts)
    InterruptController.enable(Self.interruptNumber)
  }

  // MARK: Receiving

  private mutating func startReceiver() {
    Self.counter.trigger(Register.clear)
    taken = 0
    Self.uart.write(Register.receiveLength, Self.segment)
    aimReceiver(at: 0)
    Self.uart.trigger(Register.startReceiver)
  }

  private func aimReceiver(at position: UInt32) {
    let address = UInt32(UInt(bitPattern: received)) + position % Self.ring
    Self.uart.write(Register.receiveMemory, address)
  }

  private static func countReceived() -> UInt32 {
    counter.trigger(Register.capture)
    return counter.read(Register.captured)
  }

  var hasReceived: Bool { Self.countReceived() != taken || hasFailed.load(ordering: .acquiring) }

  /// Takes bytes; how many there were.
  mutating func take(into room: inout MutableSpan<UInt8>) -> Int {
    // A line error leaves it open how many bytes the DMA wrote. What follows of the frame is of no use anyway.
    if hasFailed.exchange(false, ordering: .acquiringAndReleasing) { return restartReceiver() }
    let waiting = Self.countReceived() &- taken
    guard waiting > 0, let received else { return 0 }
    // The DMA may be about to overwrite what lies a segment behind.
    if waiting > Self.ring - Self.segment { return restartReceiver() }
    for _ in 0..<Self.settling { _ = Self.countReceived() }
    let count = min(Int(waiting), room.count)
    for i in 0..<count { room[i] = received[Int((taken &+ UInt32(i)) % Self.ring)] }
    taken &+= UInt32(count)
    return count
  }

  private mutating func restartReceiver() -> Int {
    lost &+= max(1, Self.countReceived() &- taken)
    interrupts_disable()
    defer { interrupts_enable() }
    Self.uart.write(Register.shortcuts, 0)
    Self.uart.forget(Register.receiverStopped)
    Self.uart.trigger(Register.stopReceiver)
    var patience = Self.patience
    while !Self.uart.hasHappened(Register.receiverStopped), patience > 0 { patience -= 1 }
    Self.uart.forget(Register.segmentBegun)
    Self.uart.write(Register.shortcuts, Value.restartWhenFull)
    startReceiver()
    return 0
  }

  // MARK: Sending

  var hasRoom: Bool { !toSend.isFull }

  /// Queues bytes; how many were taken.
  func send(_ bytes: Span<UInt8>) -> Int {
    var taken = 0
    while taken < bytes.count, toSend.put(bytes[taken]) { taken += 1 }
    interrupts_disable()
    if sending.load(ordering: .relaxed) == 0 { startTransmitter() }
    interrupts_enable()
    return taken
  }

  private func startTransmitter() {
    let bytes = toSend.oldest
    sending.store(UInt32(bytes.count), ordering: .relaxed)
    guard bytes.count > 0 else { return }
    Self.uart.write(Register.sendMemory, UInt32(UInt(bitPattern: bytes.baseAddress)))
    Self.uart.write(Register.sendLength, UInt32(bytes.count))
    // What was put must be in memory before the DMA reads it.
    data_barrier()
    Self.uart.trigger(Register.startTransmitter)
  }

  // MARK: Interrupt

  func interrupt() {
    // Only wakes the main loop.
    _ = Self.uart.take(Register.byteReceived)
    if Self.uart.take(Register.segmentBegun) {
      // By what was received and not by counting segments, so that one that was missed harms no later one.
      aimReceiver(at: (Self.countReceived() / Self.segment &+ 1) &* Self.segment)
    }
    if Self.uart.take(Register.error) {
      Self.uart.write(Register.errorSource, Self.uart.read(Register.errorSource))
      hasFailed.store(true, ordering: .releasing)
    }
    if Self.uart.take(Register.sent) {
      toSend.drop(sending.load(ordering: .relaxed))
      startTransmitter()
    }
  }
}

// Opened once before its interrupt is let through.
nonisolated(unsafe) var serialPort = SerialPort()

/// UARTE0.
@c(IRQ2_Handler)
public func serialInterrupt() { serialPort.interrupt() }
