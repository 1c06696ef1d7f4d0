import Foundation
import Glibc
import NIOCore
import NIOPosix

/// A command's end of the control socket: one connection for one request.
public struct ControlClient: Sendable {
  /// What the daemon answers. It ends after the reply that is final, or with a ``ControlError``:
  /// ``ControlError/hungUp``, ``ControlError/notUnderstood(detail:)``, ``ControlError/lineTooLong(limit:)`` or
  /// ``ControlError/otherVersion(client:daemon:)``.
  public let replies: AsyncThrowingStream<ControlReply, any Error>
  private let channel: any Channel

  /// Connects to the daemon that listens at `path` and asks.
  ///
  /// - Throws: ``ControlError/noDaemon(path:)``, ``ControlError/notPermitted(path:)``,
  ///   ``ControlError/pathTooLong(path:)`` or ``ControlError/unreachable(path:detail:)``.
  public static func ask(_ request: ControlRequest, path: String) async throws(ControlError) -> ControlClient
  {
    let client = try await connect(path: path)
    // A daemon that refuses the client says so at once and hangs up; the replies tell.
    try? await client.say(request)
    return client
  }

  static func connect(path: String) async throws(ControlError) -> ControlClient {
    let descriptor: CInt
    switch try UnixSocket.connect(to: path) {
    case .connected(let open): descriptor = open
    case .nobody: throw .noDaemon(path: path)
    case .failed(EACCES), .failed(EPERM): throw .notPermitted(path: path)
    case .failed(let problem): throw .unreachable(path: path, detail: UnixSocket.text(problem))
    }
    let (replies, input) = AsyncThrowingStream<ControlReply, any Error>.makeStream()
    do {
      let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ReplyReader(input))
          }
        }
        .withConnectedSocket(descriptor).get()
      return ControlClient(replies: replies, channel: channel)
    } catch {
      throw .unreachable(path: path, detail: "\(error)")
    }
  }

  /// Says something more, such as a passkey.
  ///
  /// - Throws: ``ControlError/hungUp``. A daemon that refuses a request hangs up as well, after it said why: look at
  ///   ``replies`` first.
  public func say(_ request: ControlRequest) async throws(ControlError) {
    do {
      try await channel.writeAndFlush(ByteBuffer(bytes: ControlProtocol.line(request)))
    } catch {
      throw .hungUp
    }
  }

  /// Says no more; what is asked is still answered.
  public func finish() {
    channel.close(mode: .output, promise: nil)
  }

  /// Hangs up, which cancels a request that goes on.
  public func close() {
    channel.close(promise: nil)
  }
}

/// Makes replies of what comes.
private final class ReplyReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let replies: AsyncThrowingStream<ControlReply, any Error>.Continuation
  private var lines = LineCollector(limit: ControlProtocol.longestReply)
  private var isOver = false

  init(_ replies: AsyncThrowingStream<ControlReply, any Error>.Continuation) {
    self.replies = replies
  }

  func channelActive(context: ChannelHandlerContext) {
    // Nobody listens to the replies any more.
    let channel = context.channel
    replies.onTermination = { _ in channel.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    var bytes = unwrapInboundIn(data)
    lines.append(&bytes)
    do throws(ControlError) {
      while !isOver, let line = try lines.next() {
        guard let reply = try ControlProtocol.reply(in: line) else { continue }
        replies.yield(reply)
        isOver = reply.isFinal
      }
      if isOver { replies.finish() }
    } catch {
      isOver = true
      replies.finish(throwing: error)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    isOver = true
    replies.finish(throwing: ControlError.hungUp)
  }
}
