import GatewayControl
import SerialDevices

/// A board's port that another program has for a while, such as one that flashes the board.
///
/// On USB it is the socket that is lent, because whatever the board becomes there (its bootloader, itself again) is
/// another port.
final class Loan {
  /// The socket; nil for a port that is no board's on USB.
  let socket: String?
  /// The port that was asked for.
  let node: String
  /// Ports that are not opened meanwhile.
  var nodes: Set<String>
  /// Whether the other program has given it back.
  var isOver = false
  /// The board that is served there since.
  var board: ReturnedBoard?

  init(socket: String?, node: String) {
    self.socket = socket
    self.node = node
    nodes = [node]
  }

  /// Whether a port belongs to it.
  func covers(_ node: String, _ plugging: Plugging?) -> Bool {
    if let plugging, let socket { return plugging.socket == socket }
    return nodes.contains(node)
  }
}
