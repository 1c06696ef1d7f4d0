public import Logging
public import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// The daemon's end of the control socket.
///
/// It answers from ``open(path:responder:eventLoop:logger:)`` on and stops when ``run()`` is told to shut down; whoever
/// does not come to run it calls ``close()``. Each client is one connection with one request. What a client does wrong
/// ends that client's connection and nothing else; what it may cost is bounded: ``maximumClients`` of them, a line of
/// 64 KiB each coming in, one reply each going out.
public final class ControlServer: Service {
  /// More clients than these are sent away.
  public static let maximumClients = 16

  /// How long a client may take.
  struct Patience: Sendable {
    /// To say what it wants. A person who types a request by hand manages.
    var asking = TimeAmount.seconds(60)
    /// To read a reply. Replies fit into the kernel's buffers, if the ones before were read.
    var reading = TimeAmount.seconds(10)
  }

  private let file: SocketFile
  private let listener: any Channel
  private let clients: ControlClients
  private let isOpen = Mutex(true)

  private init(file: SocketFile, listener: any Channel, clients: ControlClients) {
    self.file = file
    self.listener = listener
    self.clients = clients
  }

  /// Listens.
  ///
  /// - Parameters:
  ///   - path: where the socket is made: ``ControlProtocol/socketName`` in a state directory whose lock is held. One that
  ///     a daemon left behind is replaced.
  ///   - responder: who answers.
  ///   - eventLoop: on which clients are read from and written to.
  ///   - logger: told of clients that misbehave.
  /// - Throws: ``ControlError/pathTooLong(path:)``, ``ControlError/inUse(path:pid:)``,
  ///   ``ControlError/notASocket(path:)`` or ``ControlError/cannotListen(path:detail:)``.
  public static func open(
    path: String, responder: any ControlResponder, eventLoop: any EventLoop, logger: Logger
  ) async throws(ControlError) -> ControlServer {
    try await open(
      path: path, group: "fedbridge", admits: nil, patience: Patience(), responder: responder,
      eventLoop: eventLoop, logger: logger)
  }

  /// - Parameters:
  ///   - group: whose members may connect if it owns the folder.
  ///   - admits: who may speak; nil: whoever the file is for.
  ///   - patience: with clients that are slow.
  static func open(
    path: String, group: String, admits: (@Sendable (PeerCredentials) -> Bool)?, patience: Patience,
    responder: any ControlResponder, eventLoop: any EventLoop, logger: Logger
  ) async throws(ControlError) -> ControlServer {
    let file = try SocketFile(path: path, group: group)
    let clients = ControlClients(limit: maximumClients)
    let admits = admits ?? { file.access.admits($0) }
    let bootstrap = ServerBootstrap(group: eventLoop)
      // A client that says no more is still to be answered.
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            ControlConversation(
              clients: clients, admits: admits, patience: patience, responder: responder, logger: logger))
        }
      }
    do {
      let listener = try await bootstrap.withBoundSocket(file.descriptor).get()
      return ControlServer(file: file, listener: listener, clients: clients)
    } catch {
      // The descriptor is the channel's by now.
      file.remove()
      throw .cannotListen(path: path, detail: "\(error)")
    }
  }

  /// Answers until the service group shuts down or the task is cancelled. Then the socket is removed, and clients whose
  /// requests are not answered yet are closed.
  public func run() async throws {
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        try? await listener.closeFuture.get()
      } onGracefulShutdown: {
        self.close()
      }
    } onCancel: {
      close()
    }
    close()
    await clients.closeAll()
  }

  /// Removes the socket, listens no more and closes all clients; a second time it does nothing.
  public func close() {
    let wasOpen = isOpen.withLock { isOpen in
      defer { isOpen = false }
      return isOpen
    }
    guard wasOpen else { return }
    // While it still listens nobody takes the file for one that was left behind, and replaces it.
    file.remove()
    listener.close(promise: nil)
    clients.hangUp()
  }
}
