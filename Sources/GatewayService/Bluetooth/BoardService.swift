import BLEHost
import BLESecurity
import Cryptography

/// The attributes of a board that the gateway uses (Protocols/gatt.md §2), and how their values are read.
enum BoardService {
  static let service = uuid(1)
  static let identity = uuid(2)
  /// Takes frames, in fragments.
  static let receive = uuid(3)
  /// Gives frames, in fragments.
  static let transmit = uuid(4)
  /// Nonces of pairing by cable.
  static let pairing = uuid(5)

  private static func uuid(_ number: Int) -> String { "88cb000\(number)-6dff-445c-9674-1a94cec12e53" }

  /// The identity that a value says; nil if it is none.
  static func identity(_ value: [UInt8]) -> BoardIdentity? { BoardIdentity(parsing: value.span) }

  /// A nonce as its characteristic carries it, and back; nil for a value of another length.
  static func nonce(_ value: [UInt8]) -> UInt64? {
    guard value.count == 8 else { return nil }
    return value.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  static func octets(ofNonce nonce: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: nonce >> UInt64(8 * $0)) }
  }

  /// The passkey of one attempt (Protocols/pairing-by-cable.md).
  ///
  /// - Parameter secret: 16 octets.
  static func passkey(secret: [UInt8], boardNonce: UInt64, gatewayNonce: UInt64) -> UInt32 {
    func word(_ index: Int) -> UInt32 { secret[4 * index..<4 * index + 4].reduce(0) { $0 << 8 | UInt32($1) } }
    let key = CableSecret(Block128(word(0), word(1), word(2), word(3)))
    return key.passkey(boardNonce: boardNonce, gatewayNonce: gatewayNonce)
  }
}
