import SerialDevices

/// Follows a board from plugging to plugging, without I/O: by the socket it is in, because the bootloader has another
/// tty, and may have another serial number.
struct BoardTrail {
  /// The socket.
  let socket: String
  /// What was there when something else was waited for.
  private var left: Plugging

  init(_ port: SerialPort) {
    socket = port.socket
    left = port.plugging
  }

  /// What came in its place, of the ports that are plugged in now; nil if nothing did yet.
  mutating func next(_ kind: BoardKind, among ports: [SerialPort]) -> SerialPort? {
    guard
      let port = ports.first(where: { $0.socket == socket && $0.kind == kind && $0.plugging != left })
    else { return nil }
    left = port.plugging
    return port
  }
}
