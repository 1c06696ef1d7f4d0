import Glibc
import NIOCore

/// Hands what a serial port delivers to the gateway, on the port's event loop.
final class SerialLinkHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// What happens on a link, told on its event loop.
  struct Events: Sendable {
    var received: @Sendable (ByteBuffer) -> Void
    var writable: @Sendable () -> Void
    var closed: @Sendable (String) -> Void
  }

  private let events: Events
  private var reason = "unplugged"

  init(_ events: Events) {
    self.events = events
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    events.received(unwrapInboundIn(data))
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { events.writable() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A pseudo-terminal and a USB port report the end of the other side as an I/O error.
    if let error = error as? IOError, error.errnoCode != EIO { reason = String(describing: error) }
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    events.closed(reason)
  }
}
