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
    if let error = error as? IOError, !Self.isUnplugged(error.errnoCode) {
      reason = String(describing: error)
    }
    context.close(promise: nil)
  }

  /// What a port answers whose other side is gone: a pseudo-terminal EIO, a USB port ENODEV or ENXIO while it goes. NIO
  /// makes a hang-up ECONNRESET or EPIPE, and EBADF of a write after it.
  private static func isUnplugged(_ number: CInt) -> Bool {
    [EIO, ENODEV, ENXIO, ECONNRESET, EPIPE, EBADF].contains(number)
  }

  func channelInactive(context: ChannelHandlerContext) {
    events.closed(reason)
  }
}
