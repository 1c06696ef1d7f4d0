/// What the daemon answers.
public enum ControlReply: Hashable, Sendable {
  /// What is known of boards and of the radio.
  case boards(BoardList)
  /// Unknown boards may join for so many seconds; 0: they may not.
  case joinPermitted(seconds: UInt32)
  /// A line for people about a request that goes on.
  case progress(String)
  /// The request goes on with the passkey that the board displays.
  case passkeyWanted(board: String)
  /// The port is the client's until it says no more.
  case lent(LentPort)
  /// The port is the daemon's again, and its board is served.
  case returned(ReturnedBoard)
  /// The request is done; a line for people.
  case done(String)
  /// The request failed: a code that never changes, the cause, and what to do about it.
  case failed(code: String, message: String, remedy: String)

  /// Whether a request ends with this.
  public var isFinal: Bool {
    switch self {
    case .boards, .joinPermitted, .returned, .done, .failed: true
    case .progress, .passkeyWanted, .lent: false
    }
  }

  /// What went wrong, as it is told to the other side.
  public init(_ error: ControlError) {
    self = .failed(code: error.code, message: error.cause, remedy: error.remedy)
  }
}

extension ControlReply: Codable {
  private enum CodingKeys: String, CodingKey {
    case reply, seconds, text, board, code, message, remedy
  }

  /// What a reply is called on the wire.
  enum Kind: String, Codable {
    case boards
    case joinPermitted = "join-permitted"
    case progress
    case passkeyWanted = "passkey-wanted"
    case lent, returned, done, failed
  }

  /// Reads a reply; unknown keys are skipped.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    switch try values.decode(Kind.self, forKey: .reply) {
    case .boards: self = .boards(try BoardList(from: decoder))
    case .joinPermitted: self = .joinPermitted(seconds: try values.decode(UInt32.self, forKey: .seconds))
    case .progress: self = .progress(try values.decode(String.self, forKey: .text))
    case .passkeyWanted: self = .passkeyWanted(board: try values.decode(String.self, forKey: .board))
    case .lent: self = .lent(try LentPort(from: decoder))
    case .returned: self = .returned(try ReturnedBoard(from: decoder))
    case .done: self = .done(try values.decode(String.self, forKey: .text))
    case .failed:
      self = .failed(
        code: try values.decode(String.self, forKey: .code),
        message: try values.decode(String.self, forKey: .message),
        remedy: try values.decode(String.self, forKey: .remedy))
    }
  }

  /// Writes the reply as Protocols/control.md has it.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .boards(let list):
      try values.encode(Kind.boards, forKey: .reply)
      try list.encode(to: encoder)
    case .joinPermitted(let seconds):
      try values.encode(Kind.joinPermitted, forKey: .reply)
      try values.encode(seconds, forKey: .seconds)
    case .progress(let text):
      try values.encode(Kind.progress, forKey: .reply)
      try values.encode(text, forKey: .text)
    case .passkeyWanted(let board):
      try values.encode(Kind.passkeyWanted, forKey: .reply)
      try values.encode(board, forKey: .board)
    case .lent(let port):
      try values.encode(Kind.lent, forKey: .reply)
      try port.encode(to: encoder)
    case .returned(let board):
      try values.encode(Kind.returned, forKey: .reply)
      try board.encode(to: encoder)
    case .done(let text):
      try values.encode(Kind.done, forKey: .reply)
      try values.encode(text, forKey: .text)
    case .failed(let code, let message, let remedy):
      try values.encode(Kind.failed, forKey: .reply)
      try values.encode(code, forKey: .code)
      try values.encode(message, forKey: .message)
      try values.encode(remedy, forKey: .remedy)
    }
  }
}
