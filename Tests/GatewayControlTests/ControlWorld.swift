import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import GatewayControl

/// A folder with a control socket in it, and who answers there.
final class ControlWorld: Sendable {
  let folder: URL
  let responder = ScriptedResponder()

  init() throws {
    // Short, because the path of a socket is.
    folder = URL(fileURLWithPath: "/tmp/fbc-" + UUID().uuidString.prefix(13))
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  var path: String { folder.path + "/" + ControlProtocol.socketName }

  func open(
    patience: ControlServer.Patience = .init(), group: String = "no-such-group",
    admits: (@Sendable (PeerCredentials) -> Bool)? = nil
  ) async throws -> ControlServer {
    try await ControlServer.open(
      path: path, group: group, admits: admits, patience: patience, responder: responder,
      eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  /// Serves for the time of `body`, and expects that nothing is left of it.
  func serve(
    patience: ControlServer.Patience = .init(), admits: (@Sendable (PeerCredentials) -> Bool)? = nil,
    _ body: () async throws -> Void
  ) async throws {
    let server = try await open(patience: patience, admits: admits)
    let life = Task { try await server.run() }
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
    life.cancel()
    try await life.value
    #expect(!FileManager.default.fileExists(atPath: path))
    try outcome.get()
  }

  /// All replies to a request.
  func ask(_ request: ControlRequest) async throws -> [ControlReply] {
    let client = try await ControlClient.ask(request, path: path)
    var replies: [ControlReply] = []
    for try await reply in client.replies { replies.append(reply) }
    return replies
  }
}

/// Answers as it was told, and tells what happens to it.
final class ScriptedResponder: ControlResponder {
  enum Event: Hashable, Sendable {
    case asked(ControlRequest)
    case passkey(UInt32)
    case passkeysEnded
    case cancelled
    case finished
  }

  let events: AsyncStream<Event>
  private let happened: AsyncStream<Event>.Continuation

  init() {
    (events, happened) = AsyncStream.makeStream()
  }

  /// `pair endless` goes on until it is cancelled, `pair flood` says more than sockets hold, `pair mute` ends without
  /// an answer, `pair shown` wants a passkey, `pair twice` wants two; the rest is answered at once.
  func answer(_ request: ControlRequest, passkeys: AsyncStream<UInt32>) -> AsyncStream<ControlReply> {
    let (replies, output) = AsyncStream.makeStream(of: ControlReply.self)
    let happened = happened
    output.onTermination = { happened.yield($0 == .cancelled ? .cancelled : .finished) }
    happened.yield(.asked(request))
    switch request {
    case .boards: output.yield(.boards(ControlProtocolTests.list))
    case .permitJoin(let seconds): output.yield(.joinPermitted(seconds: seconds))
    case .forget(let board): output.yield(.done("\(board) is forgotten"))
    case .passkey: output.yield(.failed(code: "never", message: "said", remedy: "to a responder"))
    case .lend("free"): output.yield(.failed(code: "board-unknown", message: "nobody", remedy: "none"))
    case .lend(let port):
      output.yield(.lent(LentPort(port: port, name: "rose", firmware: "0.1.0")))
      Task {
        for await _ in passkeys {}
        happened.yield(.passkeysEnded)
        output.yield(.returned(ReturnedBoard(name: "rose", id: "7f3a21c000000001", firmware: "0.2.0")))
        output.finish()
      }
      return replies
    case .pair("endless"):
      output.yield(.progress("looking for it"))
      Task {
        for await passkey in passkeys { happened.yield(.passkey(passkey)) }
        happened.yield(.passkeysEnded)
      }
      return replies
    case .pair("flood"):
      for _ in 0..<200 { output.yield(.progress(String(repeating: "a", count: 50_000))) }
      return replies
    case .pair("mute"): output.yield(.progress("hm"))
    case .pair("failing"):
      output.yield(.failed(code: "pair-refused", message: "it would not", remedy: "ask nicely"))
    case .pair(let board):
      output.yield(.progress("connected to \(board)"))
      let questions = board == "twice" ? 2 : 1
      Task {
        var answers = passkeys.makeAsyncIterator()
        for _ in 0..<questions {
          output.yield(.passkeyWanted(board: board))
          guard let passkey = await answers.next() else { return }
          happened.yield(.passkey(passkey))
        }
        output.yield(.done("paired with \(board)"))
        output.finish()
      }
      return replies
    }
    output.finish()
    return replies
  }

  /// Waits for an event, passing over others.
  func until(_ event: Event) async {
    for await other in events where other == event { return }
  }
}

/// A client that says what it likes.
final class RawClient: Sendable {
  private let channel: any Channel
  private let received: EventLoopPromise<String>

  init(_ path: String, reads: Bool = true) async throws {
    let group = MultiThreadedEventLoopGroup.singleton.next()
    let received = group.makePromise(of: String.self)
    channel = try await ClientBootstrap(group: group)
      .channelOption(.autoRead, value: reads)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Collector(received))
        }
      }
      .connect(unixDomainSocketPath: path).get()
    self.received = received
  }

  /// Everything that came, once the other side has closed.
  func everything() async throws -> String { try await received.futureResult.get() }

  /// The code of the failure that the other side closed with.
  func failure() async throws -> String? {
    let lines = try await everything().split(separator: "\n")
    guard let line = lines.last, case .failed(let code, _, _) = try ControlProtocol.reply(in: Data(line.utf8))
    else { return nil }
    return code
  }

  func send(_ text: String) async throws { try await send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

  func finishSending() async throws { try await channel.close(mode: .output) }

  func hangUp() async throws { try await channel.close() }

  private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private var bytes = ByteBuffer()
    private let received: EventLoopPromise<String>

    init(_ received: EventLoopPromise<String>) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var more = unwrapInboundIn(data)
      bytes.writeBuffer(&more)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) { received.succeed(String(buffer: bytes)) }
  }
}
