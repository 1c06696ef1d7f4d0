import Foundation
import Logging
import NIOCore

/// What is said with one client, on its event loop: its request comes in, and a task writes the replies.
final class ControlConversation: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private enum State {
    /// The request has not come.
    case listening(deadline: Scheduled<Void>)
    /// The request is being answered.
    case answering(Task<Void, Never>, passkeys: AsyncStream<UInt32>.Continuation)
    /// All is said, or the client is gone: what still comes is not looked at.
    case over
  }

  private let clients: ControlClients
  private let admits: @Sendable (PeerCredentials) -> Bool
  private let patience: ControlServer.Patience
  private let responder: any ControlResponder
  private let logger: Logger
  private var state = State.over
  private var lines = LineCollector(limit: ControlProtocol.longestRequest)

  init(
    clients: ControlClients, admits: @escaping @Sendable (PeerCredentials) -> Bool,
    patience: ControlServer.Patience,
    responder: any ControlResponder, logger: Logger
  ) {
    self.clients = clients
    self.admits = admits
    self.patience = patience
    self.responder = responder
    self.logger = logger
  }

  func channelActive(context: ChannelHandlerContext) {
    let peer = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
      PeerCredentials(of: $0)
    }
    guard let peer = peer ?? nil else {
      context.close(promise: nil)
      return
    }
    guard admits(peer) else {
      refuse(.notAdmitted(user: peer.user), context)
      return
    }
    guard clients.enter(context.channel) else {
      refuse(.tooManyClients(limit: clients.limit), context)
      return
    }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let seconds = Int(patience.asking.nanoseconds / 1_000_000_000)
    let deadline = context.eventLoop.scheduleTask(in: patience.asking) {
      let (conversation, context) = bound.value
      conversation.refuse(.noRequest(seconds: seconds), context)
    }
    state = .listening(deadline: deadline)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .over = state { return }
    var bytes = unwrapInboundIn(data)
    lines.append(&bytes)
    do throws(ControlError) {
      while let line = try lines.next() {
        try received(line, context)
      }
    } catch {
      refuse(error, context)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else {
      context.fireUserInboundEventTriggered(event)
      return
    }
    switch state {
    case .listening: context.close(promise: nil)
    case .answering(_, let passkeys): passkeys.finish()
    case .over: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    clients.leave(context.channel)
  }

  private func received(_ line: Data, _ context: ChannelHandlerContext) throws(ControlError) {
    switch state {
    case .listening(let deadline):
      let request = try ControlProtocol.request(in: line, isFirst: true)
      if case .passkey = request { throw .badRequest("a passkey that nothing asks for") }
      deadline.cancel()
      // Passkeys that nobody waits for must not pile up.
      let (passkeys, input) = AsyncStream.makeStream(of: UInt32.self, bufferingPolicy: .bufferingNewest(1))
      state = .answering(answer(request, passkeys, context.channel), passkeys: input)
    case .answering(_, let input):
      guard case .passkey(let passkey) = try ControlProtocol.request(in: line, isFirst: false) else {
        throw .badRequest("a second request on the same connection")
      }
      input.yield(passkey)
    case .over: break
    }
  }

  /// Writes replies, one after the other as the client takes them, and closes the connection after the last.
  private func answer(
    _ request: ControlRequest, _ passkeys: AsyncStream<UInt32>, _ channel: any Channel
  ) -> Task<Void, Never> {
    let (responder, patience) = (responder, patience.reading)
    return clients.work(for: channel) {
      var isAnswered = false
      for await reply in responder.answer(request, passkeys: passkeys) {
        guard (try? await Self.write(reply, to: channel, within: patience).get()) != nil else { return }
        isAnswered = reply.isFinal
        if isAnswered { break }
      }
      // The client is gone, or was told something else.
      if Task.isCancelled { return }
      if !isAnswered {
        try? await Self.write(ControlReply(.unanswered), to: channel, within: patience).get()
      }
      channel.close(promise: nil)
    }
  }

  /// Tells the client what is wrong and closes.
  private func refuse(_ error: ControlError, _ context: ChannelHandlerContext) {
    end()
    logger.debug("a client of the control socket is closed: \(error.cause)")
    let channel = context.channel
    Self.write(ControlReply(error), to: channel, within: patience.reading).whenComplete { _ in
      channel.close(promise: nil)
    }
  }

  private func end() {
    switch state {
    case .listening(let deadline): deadline.cancel()
    case .answering(let task, let passkeys):
      // In this order, so that who waits for a passkey knows already that nobody waits for the reply.
      task.cancel()
      passkeys.finish()
    case .over: break
    }
    state = .over
  }

  /// Writes one line; the client is closed if it does not take it in time. So at most one waits in memory.
  private static func write(
    _ reply: ControlReply, to channel: any Channel, within patience: TimeAmount
  ) -> EventLoopFuture<Void> {
    let limit = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    let line = channel.allocator.buffer(bytes: ControlProtocol.line(reply))
    return channel.writeAndFlush(line).always { _ in limit.cancel() }
  }
}
