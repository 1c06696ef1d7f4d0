import Foundation

/// Runs what may wait for a device on a thread of its own: a sick device then holds up neither the event loop, nor
/// other ports, nor the few threads that Swift's tasks share.
///
/// Each port has one such piece of work at a time, so there are never more threads than ports.
enum PortThread {
  /// What `body` returns.
  static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: body()) }
    }
  }
}
