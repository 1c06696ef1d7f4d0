/// What a command asks of the running daemon.
public enum ControlRequest: Hashable, Sendable {
  /// What is known of boards and of the radio.
  case boards
  /// Let unknown boards join for so many seconds, at most ``longestJoin``; 0: no longer.
  case permitJoin(seconds: UInt32)
  /// Pair with a board, named by its name, its id or a prefix of it, or its Bluetooth address.
  case pair(board: String)
  /// Take the pairing with a board back.
  case forget(board: String)
  /// Let a board's port go, and leave the board alone, until the client says no more; then take it back and serve the
  /// board as before. The board is named as for the others, or by its port's path or its USB serial number.
  case lend(board: String)
  /// The answer to ``ControlReply/passkeyWanted(board:)``, at most ``largestPasskey``.
  case passkey(UInt32)

  /// The longest time that boards may be let join for, in seconds: a door that is left open is forgotten.
  public static let longestJoin: UInt32 = 3600
  /// Passkeys are six decimal digits (Core specification 5.4, Vol 3 Part H, 2.3.5.3).
  public static let largestPasskey: UInt32 = 999_999
  /// The longest name of a board in bytes of UTF-8.
  static let longestName = 256
}

extension ControlRequest: Codable {
  private enum CodingKeys: String, CodingKey {
    case request, seconds, board, passkey
  }

  private enum Kind: String, Codable {
    case boards
    case permitJoin = "permit-join"
    case pair, forget, lend, passkey
  }

  /// Reads a request; unknown keys are skipped.
  ///
  /// - Throws: ``ControlError/unknownRequest(_:)``, ``ControlError/badRequest(_:)`` when a value is beyond its limits,
  ///   or a `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let name = try values.decode(String.self, forKey: .request)
    guard let kind = Kind(rawValue: name) else {
      throw ControlError.unknownRequest(String(name.prefix(40)))
    }
    func board() throws -> String {
      let board = try values.decode(String.self, forKey: .board)
      guard !board.isEmpty, board.utf8.count <= Self.longestName else {
        throw ControlError.badRequest("board must have 1 to \(Self.longestName) bytes")
      }
      return board
    }
    func number(_ key: CodingKeys, upTo limit: UInt32) throws -> UInt32 {
      guard let number = try? values.decode(UInt32.self, forKey: key), number <= limit else {
        throw ControlError.badRequest("\(key.rawValue) must be a number from 0 to \(limit)")
      }
      return number
    }
    switch kind {
    case .boards: self = .boards
    case .permitJoin: self = .permitJoin(seconds: try number(.seconds, upTo: Self.longestJoin))
    case .pair: self = .pair(board: try board())
    case .forget: self = .forget(board: try board())
    case .lend: self = .lend(board: try board())
    case .passkey: self = .passkey(try number(.passkey, upTo: Self.largestPasskey))
    }
  }

  /// Writes the request as Protocols/control.md has it.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .boards:
      try values.encode(Kind.boards, forKey: .request)
    case .permitJoin(let seconds):
      try values.encode(Kind.permitJoin, forKey: .request)
      try values.encode(seconds, forKey: .seconds)
    case .pair(let board):
      try values.encode(Kind.pair, forKey: .request)
      try values.encode(board, forKey: .board)
    case .forget(let board):
      try values.encode(Kind.forget, forKey: .request)
      try values.encode(board, forKey: .board)
    case .lend(let board):
      try values.encode(Kind.lend, forKey: .request)
      try values.encode(board, forKey: .board)
    case .passkey(let passkey):
      try values.encode(Kind.passkey, forKey: .request)
      try values.encode(passkey, forKey: .passkey)
    }
  }
}
