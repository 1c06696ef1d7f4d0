import Glibc
import NIOCore

/// Hands what comes over the air to the gateway, datagram by datagram, on the link's event loop.
final class AirLinkHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// What happens on a link, told on its event loop.
  struct Events: Sendable {
    var received: @Sendable (ByteBuffer) -> Void
    var closed: @Sendable (String) -> Void
  }

  private let events: Events
  private var reason = "the connection was lost"

  init(_ events: Events) { self.events = events }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    events.received(unwrapInboundIn(data))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let error = error as? IOError, !Self.isLost(error.errnoCode) { reason = String(describing: error) }
    context.close(promise: nil)
  }

  /// What a socket answers whose connection is gone: it timed out, was ended by either side, or its adapter went.
  private static func isLost(_ number: CInt) -> Bool {
    [ETIMEDOUT, ECONNRESET, ECONNABORTED, ECONNREFUSED, ENOTCONN, EPIPE, EHOSTDOWN, ENETDOWN, EBADF, EIO]
      .contains(number)
  }

  func channelInactive(context: ChannelHandlerContext) { events.closed(reason) }
}
