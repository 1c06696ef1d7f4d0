import BLESecurity
import Bytes
import Cryptography
import Foundation
import PropertyTesting

/// Protocols/vectors/ble_security.json.
struct Vectors: Decodable {
  struct Samples: Decodable {
    struct F4: Decodable {
      var u, v, x, value: String
      var z: UInt8
    }
    struct F5: Decodable {
      var w, n1, n2, a1, a2, macKey, longTermKey: String
    }
    struct F6: Decodable {
      var w, n1, n2, r, features, a1, a2, value: String
    }
    struct AH: Decodable {
      var key, random, hash: String
    }
    var f4: F4
    var f5: F5
    var f6: F6
    var ah: AH
  }
  struct PrivateAddress: Decodable {
    var key, address: String
    var resolves: Bool
  }
  struct CablePasskey: Decodable {
    var secret, boardNonce, gatewayNonce: String
    var passkey: UInt32
  }
  struct StoredBond: Decodable {
    var kind: UInt8
    var address, resolvingKey, longTermKey, encoded: String
    var isAuthenticated: Bool
  }
  struct Pairing: Decodable {
    struct Address: Decodable {
      var kind: UInt8
      var address: String

      var value: DeviceAddress {
        DeviceAddress(kind: DeviceAddress.Kind(rawValue: kind)!, value: UInt64(address, radix: 16)!)
      }
    }
    struct Message: Decodable {
      var from, pdu: String
    }
    var method, seed, secret, boardNonce, gatewayNonce, longTermKey, resolvingKey: String
    var passkey: UInt32?
    var central: Address
    var board: Address
    var pdus: [Message]
    var isBonding: Bool
  }

  var samples: Samples
  var privateAddresses: [PrivateAddress]
  var cablePasskeys: [CablePasskey]
  var bonds: [StoredBond]
  var pairings: [Pairing]

  static func load() throws -> Vectors {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = root.appending(path: "Protocols/vectors/ble_security.json")
    return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
  }
}

/// Bytes of hexadecimal digits, which must be pairs.
func unhex(_ hex: String) -> [UInt8] {
  let digits = Array(hex.utf8)
  return stride(from: 0, to: digits.count, by: 2).map { i in
    UInt8(String(decoding: digits[i..<i + 2], as: UTF8.self), radix: 16)!
  }
}

extension Block128 {
  init(hex: String) {
    self.init(bigEndian: unhex(hex).span)!
  }

  init(littleEndian bytes: some Sequence<UInt8>) {
    self.init(littleEndian: Array(bytes).span)!
  }

  /// As on the air.
  var octets: [UInt8] { (0..<16).map { self[byte: 15 - $0] } }
}

extension Words256 {
  init(hex: String) {
    self.init(bigEndian: unhex(hex).span)!
  }
}

extension SeededGenerator {
  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  mutating func block() -> Block128 { Block128(bigEndian: bytes(16).span)! }

  mutating func words() -> Words256 { Words256(bigEndian: bytes(32).span)! }
}
