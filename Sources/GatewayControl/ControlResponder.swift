/// Who answers what is asked on the control socket: the daemon.
public protocol ControlResponder: Sendable {
  /// Answers a request.
  ///
  /// The request is over with the first reply that is final, or when the stream ends. The stream is terminated as
  /// cancelled when the client hangs up, when it is closed for what it did, and when the server stops; also when it goes
  /// on after a final reply, because nobody listens any more.
  ///
  /// - Parameter passkeys: what the client answers to ``ControlReply/passkeyWanted(board:)``; of several that nobody
  ///   waited for only the latest is kept. It ends when the client will say no more.
  func answer(_ request: ControlRequest, passkeys: AsyncStream<UInt32>) -> AsyncStream<ControlReply>
}
