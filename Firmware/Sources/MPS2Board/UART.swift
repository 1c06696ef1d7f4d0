import BoardSupport
import CBoard

/// A UART of the MPS2-AN386: Arm's CMSDK APB UART (Arm DDI 0479, §4.3).
struct UART {
  /// UART0: the serial carrier. Interrupts 0 (receive) and 1 (transmit).
  static var serial: UART { UART(base: 0x4000_4000, receiveInterrupt: 0) }
  /// UART1: Bluetooth HCI. Interrupts 2 (receive) and 3 (transmit).
  static var hci: UART { UART(base: 0x4000_5000, receiveInterrupt: 2) }

  private let base: UInt32
  private let receiveInterrupt: UInt32

  private var data: UInt32 { base }
  private var state: UInt32 { base + 0x4 }
  private var control: UInt32 { base + 0x8 }
  private var interrupts: UInt32 { base + 0xc }
  private var divisor: UInt32 { base + 0x10 }

  private enum State {
    static var transmitterFull: UInt32 { 1 }
    static var receiverFull: UInt32 { 2 }
    static var receiverOverrun: UInt32 { 8 }
  }
  private enum Control {
    static var transmitter: UInt32 { 1 }
    static var receiver: UInt32 { 2 }
    static var transmitInterrupt: UInt32 { 4 }
    static var receiveInterrupt: UInt32 { 8 }
  }
  private enum Interrupt {
    static var transmit: UInt32 { 1 }
    static var receive: UInt32 { 2 }
  }
  /// The least value at which the UART sends; QEMU keeps no time by it.
  private static var fastestDivisor: UInt32 { 16 }

  /// For text only: no interrupts, no receiver.
  func enableTransmitter() {
    register_write(divisor, Self.fastestDivisor)
    register_write(control, Control.transmitter)
  }

  /// Both directions, by interrupt.
  func enable() {
    register_write(divisor, Self.fastestDivisor)
    register_write(
      control,
      Control.transmitter | Control.receiver | Control.transmitInterrupt | Control.receiveInterrupt)
    InterruptController.enable(receiveInterrupt)
    InterruptController.enable(receiveInterrupt + 1)
  }

  var isTransmitterFree: Bool { register_read(state) & State.transmitterFull == 0 }

  /// Sends a byte; only while ``isTransmitterFree``.
  func put(_ byte: UInt8) { register_write(data, UInt32(byte)) }

  /// The byte that came in, if there is one.
  func take() -> UInt8? {
    guard register_read(state) & State.receiverFull != 0 else { return nil }
    return UInt8(truncatingIfNeeded: register_read(data))
  }

  /// Whether the hardware lost a byte since the last call.
  func takeOverrun() -> Bool {
    guard register_read(state) & State.receiverOverrun != 0 else { return false }
    register_write(state, State.receiverOverrun)
    return true
  }

  func acknowledgeReceiveInterrupt() { register_write(interrupts, Interrupt.receive) }
  func acknowledgeTransmitInterrupt() { register_write(interrupts, Interrupt.transmit) }
}
