import GatewayControl

/// Answers what people ask of the running gateway.
struct ControlDesk: ControlResponder {
  let daemon: GatewayDaemon

  func answer(_ request: ControlRequest, passkeys: AsyncStream<UInt32>) -> AsyncStream<ControlReply> {
    let (replies, continuation) = AsyncStream<ControlReply>.makeStream()
    let work = Task {
      switch request {
      case .boards: continuation.yield(await daemon.listBoards())
      case .permitJoin(let seconds): continuation.yield(await daemon.permitJoin(seconds: seconds))
      case .forget(let board): continuation.yield(await daemon.forget(board))
      case .pair(let board):
        let person = PairingPerson(
          progress: { continuation.yield(.progress($0)) },
          passkey: { board in
            continuation.yield(.passkeyWanted(board: board))
            for await passkey in passkeys { return passkey }
            return nil
          })
        continuation.yield(await daemon.pair(board, with: person))
      case .lend(let board):
        continuation.yield(await daemon.lend(board, tell: { continuation.yield($0) }, until: passkeys))
      case .passkey:
        continuation.yield(
          .failed(
            code: "control-unasked", message: "nobody asked for a passkey", remedy: "say pair first"))
      }
      continuation.finish()
    }
    continuation.onTermination = { _ in work.cancel() }
    return replies
  }
}

/// A person who waits for a pairing.
struct PairingPerson: Sendable {
  /// Shows a line.
  var progress: @Sendable (String) -> Void
  /// Asks for the passkey that the board of this name shows; nil if the person has gone.
  var passkey: @Sendable (String) async -> UInt32?
}
