import BLESecurity
import Bytes
import Cryptography
import PropertyTesting

/// The other side of a pairing, written from the specification (Vol 3 Part H §2.3.5, appendix C.2) with nothing of the
/// code under test but AES-CMAC and the curve, which have tests of their own.
struct Central {
  var address: DeviceAddress
  var board: DeviceAddress
  /// IO capability, out-of-band flag, AuthReq, key size, keys of the initiator and of the responder.
  var features: [UInt8] = [0x04, 0, 0x0d, 16, 0x02, 0x00]
  var passkey: UInt32 = 0
  var privateKey: P256.PrivateKey
  var publicKey: [UInt8]
  var identityKey: Block128
  var random: SeededGenerator

  private(set) var response: [UInt8] = []
  private(set) var boardKey: [UInt8] = []
  private(set) var round = 0
  private(set) var failure: UInt8?
  /// Once the board has proven that it has the same.
  private(set) var longTermKey: Block128?
  private var nonce = Block128.zero
  private var boardNonce = Block128.zero
  private var boardConfirm = Block128.zero
  private var macKey = Block128.zero
  private var candidate = Block128.zero

  init(address: DeviceAddress, board: DeviceAddress, random seed: UInt64) {
    self.address = address
    self.board = board
    random = SeededGenerator(seed: seed)
    var key: P256.PrivateKey?
    while key == nil { key = P256.PrivateKey(random.words()) }
    privateKey = key!
    publicKey = key!.times(.base).octets
    identityKey = random.block()
  }

  var usesPasskey: Bool {
    // Table 2.8 for what our boards say: displayOnly or noInputNoOutput.
    (features[2] | response[3]) & 0x04 != 0 && response[1] == 0 && [2, 4].contains(features[0])
  }

  var request: [UInt8] { [0x01] + features }

  /// The PDUs with which the identity is distributed.
  var identity: [[UInt8]] {
    guard response.count == 7, response[5] & 0x02 != 0 else { return [] }
    return [
      [0x08] + identityKey.octets, [0x09, address.kind.rawValue] + (0..<6).map { address.octet($0) },
    ]
  }

  /// What it answers to a PDU of the board.
  mutating func answer(_ pdu: [UInt8]) -> [[UInt8]] {
    switch pdu[0] {
    case 0x02:
      response = pdu
      return [[0x0c] + publicKey]
    case 0x0c:
      boardKey = Array(pdu[1...])
      return usesPasskey ? [commitment()] : []
    case 0x03:
      boardConfirm = Block128(littleEndian: pdu[1...])
      if !usesPasskey { nonce = random.block() }
      return [[0x04] + nonce.octets]
    case 0x04:
      boardNonce = Block128(littleEndian: pdu[1...])
      let expected = f4(boardKey, publicKey, boardNonce, usesPasskey ? bit : 0)
      guard expected == boardConfirm else {
        failure = 0x04
        return [[0x05, 0x04]]
      }
      if usesPasskey {
        round += 1
        if round < 20 { return [commitment()] }
      }
      return [check()]
    case 0x0d:
      guard Block128(littleEndian: pdu[1...]) == boardCheck() else {
        failure = 0x0b
        return [[0x05, 0x0b]]
      }
      longTermKey = candidate
      return []
    case 0x05:
      failure = pdu[1]
      return []
    default:
      return []
    }
  }

  private var bit: UInt8 { 0x80 | UInt8(passkey >> UInt32(round) & 1) }

  private mutating func commitment() -> [UInt8] {
    nonce = random.block()
    return [0x03] + f4(publicKey, boardKey, nonce, bit).octets
  }

  /// f4 of two public keys' first coordinates, given as on the air.
  private func f4(_ u: [UInt8], _ v: [UInt8], _ x: Block128, _ z: UInt8) -> Block128 {
    coded(x, u[..<32].reversed() + v[..<32].reversed() + [z])
  }

  private func coded(_ key: Block128, _ bytes: [UInt8]) -> Block128 {
    var code = CMAC(key: key)
    code.update(bytes.span)
    return code.finalize()
  }

  private var addresses: (own: [UInt8], board: [UInt8]) {
    func bytes(_ address: DeviceAddress) -> [UInt8] {
      [address.kind.rawValue] + (0..<6).map { address.octet(5 - $0) }
    }
    return (bytes(address), bytes(board))
  }

  private var number: [UInt8] {
    let shown = usesPasskey ? passkey : 0
    return [UInt8](repeating: 0, count: 12)
      + (0..<4).map { UInt8(truncatingIfNeeded: shown >> UInt32(24 - 8 * $0)) }
  }

  private mutating func check() -> [UInt8] {
    let point = P256.PublicKey(littleEndian: boardKey.span)!
    let secret = privateKey.times(point).octets[..<32].reversed()
    let t = coded(Block128(hex: "6c888391aaf5a53860370bdb5a6083be"), Array(secret))
    let rest =
      Array("btle".utf8) + nonce.octets.reversed() + boardNonce.octets.reversed() + addresses.own
      + addresses.board + [1, 0]
    macKey = coded(t, [0] + rest)
    candidate = coded(t, [1] + rest)
    let bytes =
      nonce.octets.reversed() + boardNonce.octets.reversed() + number + [
        features[2], features[1], features[0],
      ]
      + addresses.own + addresses.board
    return [0x0d] + coded(macKey, bytes).octets
  }

  private func boardCheck() -> Block128 {
    let bytes =
      boardNonce.octets.reversed() + nonce.octets.reversed() + number + [
        response[3], response[2], response[1],
      ]
      + addresses.board + addresses.own
    return coded(macKey, bytes)
  }
}

extension P256.PrivateKey {
  func times(_ base: P256.PublicKey) -> P256.PublicKey {
    var multiplication = P256.Multiplication(of: base, by: self)
    while multiplication.advance() {}
    return multiplication.product!
  }
}

extension P256.PublicKey {
  var octets: [UInt8] {
    var bytes = BoundedBytes(capacity: 64)
    append(littleEndianTo: &bytes)
    return bytes.copied()
  }
}
