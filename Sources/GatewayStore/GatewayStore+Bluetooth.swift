public import Foundation
import GRDB
public import Rounds

/// How a board and the gateway came to trust each other over the air (Protocols/pairing-by-cable.md).
public enum PairingWay: String, Codable, Sendable {
  /// Both knew a secret that had gone over USB.
  case cable
  /// A person read six digits and typed them.
  case passkey
  /// Nothing was proven.
  case justWorks = "just-works"
}

/// That a board is bonded: its keys are the operating system's business.
public struct BluetoothBond: Hashable, Sendable {
  /// The board that the bond was made for.
  public let board: BoardID
  /// Its identity address, e.g. `C0:00:C0:FF:EE:01`.
  public let address: String
  /// Whether that is a random address rather than a public one.
  public let addressIsRandom: Bool
  /// How they paired.
  public let how: PairingWay
  /// When.
  public let at: Date

  /// A bond.
  public init(board: BoardID, address: String, addressIsRandom: Bool, how: PairingWay, at: Date) {
    self.board = board
    self.address = address
    self.addressIsRandom = addressIsRandom
    self.how = how
    self.at = at
  }
}

extension GatewayStore {
  /// Octets of a cable secret.
  private static let secretLength = 16

  // MARK: Cable secrets

  /// The secret by which a board pairs over the air, 16 bytes; nil when it was never given one, or was forgotten.
  public func cableSecret(of board: BoardID) throws(StoreError) -> [UInt8]? {
    try read { database in try Self.cableSecret(of: board, database) }
  }

  /// The secret by which a board pairs over the air: the one that is kept, else one that is drawn and kept.
  ///
  /// - Parameter draw: makes a secret of 16 bytes that nobody can guess; only called when there is none.
  /// - Returns: 16 bytes.
  public func drawnCableSecret(
    of board: BoardID, draw: () -> [UInt8]
  ) throws(StoreError) -> [UInt8] {
    try write { database in
      if let kept = try Self.cableSecret(of: board, database) { return kept }
      let secret = draw()
      precondition(secret.count == Self.secretLength, "a cable secret has 16 bytes")
      try database.execute(
        sql: "INSERT INTO cable_secrets (board, secret) VALUES (?, ?)",
        arguments: [board.description, Data(secret)])
      return secret
    }
  }

  /// Boards that were given a secret and were not forgotten.
  public func boardsWithSecret() throws(StoreError) -> Set<BoardID> {
    try read { database in
      Set(try Row.fetchAll(database, sql: "SELECT board FROM cable_secrets").map { try $0.board("board") })
    }
  }

  private static func cableSecret(of board: BoardID, _ database: Database) throws -> [UInt8]? {
    let row = try Row.fetchOne(
      database, sql: "SELECT secret FROM cable_secrets WHERE board = ?", arguments: [board.description])
    guard let secret = try row?.bytes("secret") else { return nil }
    guard secret.count == secretLength else { throw UnreadableColumn(column: "secret") }
    return secret
  }

  // MARK: Bonds

  /// All bonds, by board.
  public func bonds() throws(StoreError) -> [BluetoothBond] {
    try read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM bluetooth_bonds ORDER BY board").map(Self.bond)
    }
  }

  /// Notes a bond. It takes the place of the board's earlier one, and of another board's with the same address. The
  /// board need not have been seen yet.
  public func setBond(_ bond: BluetoothBond) throws(StoreError) {
    try write { database in
      try database.execute(
        sql: "DELETE FROM bluetooth_bonds WHERE board = ? OR address = ?",
        arguments: [bond.board.description, bond.address])
      try database.execute(
        sql: """
          INSERT INTO bluetooth_bonds (board, address, address_is_random, how, made) VALUES (?, ?, ?, ?, ?)
          """,
        arguments: [
          bond.board.description, bond.address, bond.addressIsRandom, bond.how.rawValue, bond.at.milliseconds,
        ])
    }
  }

  /// Forgets a board's bond, if it has one. Its secret stays.
  public func removeBond(of board: BoardID) throws(StoreError) {
    try write { database in try Self.removeBond(of: board, database) }
  }

  /// Forgets what a board is trusted by: its bond and its secret. Its name and its history stay.
  public func forget(_ board: BoardID) throws(StoreError) {
    try write { database in
      try Self.removeBond(of: board, database)
      try database.execute(
        sql: "DELETE FROM cable_secrets WHERE board = ?", arguments: [board.description])
    }
  }

  private static func removeBond(of board: BoardID, _ database: Database) throws {
    try database.execute(
      sql: "DELETE FROM bluetooth_bonds WHERE board = ?", arguments: [board.description])
  }

  private static func bond(_ row: Row) throws -> BluetoothBond {
    guard let how = PairingWay(rawValue: try row.value("how")) else { throw UnreadableColumn(column: "how") }
    return BluetoothBond(
      board: try row.board("board"), address: try row.value("address"),
      addressIsRandom: try row.value("address_is_random"), how: how, at: try row.date("made"))
  }
}
