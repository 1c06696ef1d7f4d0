import GatewayControl

/// A board's port that the running gateway has let go.
struct PortLoan: Sendable {
  /// What the gateway says of it.
  let port: LentPort
  private let client: ControlClient

  /// What the gateway says that has no port for us.
  struct Refusal: FlashFailure {
    var code: String
    var cause: String
    var remedy: String
  }

  /// What a gateway answers that does not know the board: it may be plugged in all the same.
  private static let unknown = "board-unknown"

  /// Asks the gateway that runs for a board's port.
  ///
  /// - Parameter path: of its socket.
  /// - Returns: nil if no gateway runs, or if it does not know the board.
  static func ask(for board: String, path: String) async throws -> PortLoan? {
    let client: ControlClient
    do {
      client = try await ControlClient.ask(.lend(board: board), path: path)
    } catch ControlError.noDaemon {
      return nil
    }
    while let reply = try await next(of: client) {
      switch reply {
      case .lent(let port): return PortLoan(port: port, client: client)
      case .failed(unknown, _, _): return nil
      case .failed(let code, let message, let remedy):
        throw Refusal(code: code, cause: message, remedy: remedy)
      default: break
      }
    }
    throw ControlError.hungUp
  }

  /// Gives the port back, and waits until the gateway serves the board again.
  ///
  /// - Returns: the board; nil if the gateway went away meanwhile.
  func giveBack() async throws -> ReturnedBoard? {
    client.finish()
    do {
      while let reply = try await Self.next(of: client) {
        switch reply {
        case .returned(let board): return board
        case .failed(let code, let message, let remedy):
          throw Refusal(code: code, cause: message, remedy: remedy)
        default: break
        }
      }
    } catch ControlError.hungUp {
      return nil
    }
    return nil
  }

  /// The gateway's next reply; nil after its last one.
  private static func next(of client: ControlClient) async throws -> ControlReply? {
    var replies = client.replies.makeAsyncIterator()
    return try await replies.next()
  }

  /// Gives the port back and waits for nothing.
  func close() { client.close() }
}
