public import BoardSupport

/// The Bluetooth controller at UART1. What the board would display goes to QEMU's standard error.
public struct MPS2Controller: ControllerPort {
  /// There is one.
  public init() {}

  /// Takes bytes that came in over UART1.
  public func receive(into room: inout MutableSpan<UInt8>) -> Int { hciPort.receive(into: &room) }

  /// Queues bytes for UART1.
  public func send(_ bytes: Span<UInt8>) -> Int { hciPort.send(bytes) }

  /// Writes a line to QEMU's standard error.
  public func show(_ line: Span<UInt8>) {
    let console = EmulatorConsole()
    for i in 0..<line.count { console.write(line[i]) }
    console.write(UInt8(ascii: "\n"))
  }
}
