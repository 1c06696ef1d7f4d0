import BoardSupport
import CBoard

/// A UART with a ring in each direction, worked by interrupts.
struct SerialPort: ~Copyable {
  private let uart: UART
  /// Whether a byte without room stays in the UART until there is some; else it is lost.
  private let holdsBack: Bool
  var received = ByteRing()
  private var toSend = ByteRing()

  init(_ uart: UART, holdsBack: Bool = false) {
    self.uart = uart
    self.holdsBack = holdsBack
  }

  /// - Parameters:
  ///   - receiving: bytes that may wait to be read. The link's window and what else may be under way should fit.
  ///   - sending: bytes that may wait to go out.
  mutating func open(receiving: Int, sending: Int) {
    received.allocate(capacity: receiving)
    toSend.allocate(capacity: sending)
    uart.enable()
  }

  var hasRoom: Bool { !toSend.isFull }

  /// Queues bytes; how many were taken.
  func send(_ bytes: Span<UInt8>) -> Int {
    var taken = 0
    while taken < bytes.count, toSend.put(bytes[taken]) { taken += 1 }
    // The transmit interrupt comes when a byte has gone out: the first one has to be pushed.
    interrupts_disable()
    fillTransmitter()
    interrupts_enable()
    return taken
  }

  private func fillTransmitter() {
    while uart.isTransmitterFree, let byte = toSend.take() { uart.put(byte) }
  }

  /// Takes bytes that came in; how many were written to the beginning of `room`.
  func receive(into room: inout MutableSpan<UInt8>) -> Int {
    var count = 0
    while count < room.count, let byte = received.take() {
      room[count] = byte
      count += 1
    }
    if holdsBack, count > 0 {
      // For what was held back no interrupt comes again.
      interrupts_disable()
      receiveInterrupt()
      interrupts_enable()
    }
    return count
  }

  /// To be called by the receive interrupt. A byte without room is lost, as on any line without flow control, or held
  /// back.
  func receiveInterrupt() {
    uart.acknowledgeReceiveInterrupt()
    while !(holdsBack && received.isFull), let byte = uart.take() { received.putOrLose(byte) }
    if uart.takeOverrun() { received.lose(1) }
  }

  /// To be called by the transmit interrupt.
  func transmitInterrupt() {
    uart.acknowledgeTransmitInterrupt()
    fillTransmitter()
  }
}

// Opened once before their interrupts are let through; from then on only read, as rings are.
nonisolated(unsafe) var serialPort = SerialPort(.serial)
nonisolated(unsafe) var hciPort = SerialPort(.hci, holdsBack: true)

/// UART0: a byte came in.
@c(IRQ0_Handler)
public func serialReceived() { serialPort.receiveInterrupt() }

/// UART0: a byte has gone out.
@c(IRQ1_Handler)
public func serialSent() { serialPort.transmitInterrupt() }

/// UART1: a byte came in.
@c(IRQ2_Handler)
public func hciReceived() { hciPort.receiveInterrupt() }

/// UART1: a byte has gone out.
@c(IRQ3_Handler)
public func hciSent() { hciPort.transmitInterrupt() }
