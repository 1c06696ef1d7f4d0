import NIOCore
import Synchronization

/// The clients that are connected, and the work for them.
final class ControlClients: Sendable {
  /// So many at most.
  let limit: Int
  private let clients = Mutex(State())

  private struct State {
    var isOpen = true
    var channels: [ObjectIdentifier: any Channel] = [:]
    var tasks: [ObjectIdentifier: Task<Void, Never>] = [:]
  }

  init(limit: Int) {
    self.limit = limit
  }

  /// Takes a client in.
  ///
  /// - Returns: whether there is room for it.
  func enter(_ channel: any Channel) -> Bool {
    clients.withLock { state in
      guard state.isOpen, state.channels.count < limit else { return false }
      state.channels[ObjectIdentifier(channel)] = channel
      return true
    }
  }

  /// Lets a client go.
  func leave(_ channel: any Channel) {
    clients.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  /// Begins the work for a client.
  func work(
    for channel: any Channel, _ body: @escaping @Sendable () async -> Void
  ) -> Task<Void, Never> {
    clients.withLock { state in
      let id = ObjectIdentifier(channel)
      // It cannot be noted as done before it is noted, because that waits for the lock. Holding the channel, it keeps
      // others from being called the same.
      let task = Task {
        await body()
        _ = self.clients.withLock { $0.tasks.removeValue(forKey: id) }
        withExtendedLifetime(channel) {}
      }
      state.tasks[id] = task
      return task
    }
  }

  /// Closes all clients, and lets none in any more.
  func hangUp() {
    let channels = clients.withLock { state in
      state.isOpen = false
      return Array(state.channels.values)
    }
    for channel in channels { channel.close(promise: nil) }
  }

  /// Closes all clients and waits for their work to end.
  func closeAll() async {
    hangUp()
    let (channels, tasks) = clients.withLock { (Array($0.channels.values), Array($0.tasks.values)) }
    for channel in channels { try? await channel.closeFuture.get() }
    for task in tasks { await task.value }
  }
}
