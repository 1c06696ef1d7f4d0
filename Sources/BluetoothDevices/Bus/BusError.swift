/// Why something that was asked for over the bus was not done.
enum BusError: Error, Sendable {
  /// Whoever was asked answers with an error.
  case failed(name: String, text: String)
  /// The connection to the bus is gone.
  case disconnected
  /// No answer in time.
  case timedOut
  /// It could not be sent; errno.
  case notSent(errno: CInt)

  /// The error's name on the bus; empty if it has none.
  var name: String { if case .failed(let name, _) = self { name } else { "" } }
}
