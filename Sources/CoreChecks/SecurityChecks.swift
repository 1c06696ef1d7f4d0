import BLESecurity
import Bytes
import Cryptography
import LinkProtocol

// What protects a link must be the same bits on both of its ends, and what a key was made of on one processor must
// open what another one closed.

/// AES and CMAC in chains, each result the key or the text of the next, and draws of the generator.
func cipherHash() -> UInt32 {
  var hash = FNV1a()
  // FIPS 197 appendix B.
  let known = AES128(key: Block128(0x2b7e_1516, 0x28ae_d2a6, 0xabf7_1588, 0x09cf_4f3c))
    .encrypt(Block128(0x3243_f6a8, 0x885a_308d, 0x3131_98a2, 0xe037_0734))
  guard known == Block128(0x3925_841d, 0x02dc_09fb, 0xdc11_8597, 0x196a_0b32) else { return 0 }
  var key = known
  var block = Block128.zero
  for _ in 0..<100 {
    let cipher = AES128(key: key)
    block = cipher.encrypt(block)
    var other = block
    cipher.encrypt(&block, &other)
    guard block == other else { return 0 }
    hash.add(block)
    key = key ^ block
  }
  for length in 0..<70 {
    var code = CMAC(key: key)
    for i in 0..<length { code.update(byte: UInt8(truncatingIfNeeded: i &* 37)) }
    key = code.finalize()
    hash.add(key)
  }
  var random = RandomBits(seed: Words256(high: key, low: block))
  for _ in 0..<20 {
    hash.add(random.block())
    hash.add(random.words())
  }
  return hash.value
}

/// Two keys of which either side computes the same secret, points that are none, and the published example.
func curveHash() -> UInt32 {
  var hash = FNV1a()
  var random = RandomBits(seed: .zero)
  guard let a = P256.PrivateKey(random.words()), let b = P256.PrivateKey(random.words()) else { return 0 }
  guard let publicA = product(a, .base), let publicB = product(b, .base), publicA != publicB,
    let secret = product(a, publicB), secret == product(b, publicA)
  else { return 0 }
  hash.add(publicA.x)
  hash.add(publicA.y)
  hash.add(secret.x)
  guard P256.PublicKey(x: publicA.x, y: publicA.y) == publicA,
    P256.PublicKey(x: publicA.y, y: publicA.x) == nil,
    P256.PublicKey(x: publicA.x, y: .zero) == nil
  else { return 0 }
  // The first data set of the Bluetooth specification, Vol 2 Part G §7.1.2.1.
  let key = Words256(
    high: Block128(0x3f49_f6d4, 0xa3c5_5f38, 0x74c9_b3e3, 0xd210_3f50),
    low: Block128(0x4aff_607b, 0xeb40_b799, 0x5899_b8a6, 0xcd3c_1abd))
  let expected = Words256(
    high: Block128(0x20b0_03d2, 0xf297_be2c, 0x5e2c_83a7, 0xe9f9_a5b9),
    low: Block128(0xeff4_9111, 0xacf4_fddb, 0xcc03_0148, 0x0e35_9de6))
  guard let known = P256.PrivateKey(key), product(known, .base)?.x == expected else { return 0 }
  return hash.value
}

/// A board's part of a pairing, as far as it goes without the central's check value, passkeys by cable and a bond.
func pairingHash() -> UInt32 {
  var hash = FNV1a()
  let now = Timestamp(microseconds: 0)
  var security = SecurityManager(seed: .zero)
  security.policy = .justWorks
  security.connected(
    local: DeviceAddress(kind: .random, value: 0xc0ff_ee00_0001),
    peer: DeviceAddress(kind: .publicDevice, value: 0x1234_5678_9abc), bond: nil, now: now)
  let request: [UInt8] = [0x01, 0x04, 0x00, 0x0d, 16, 0x02, 0x00]
  var publicKey = BoundedBytes(capacity: 65)
  publicKey.append(0x0c)
  P256.PublicKey.base.append(littleEndianTo: &publicKey)
  var randomValue = [UInt8](repeating: 7, count: 17)
  randomValue[0] = 0x04
  var wrongCheck = randomValue
  wrongCheck[0] = 0x0d
  security.received(pdu: request.span, now: now)
  hashAnswers(of: &security, now, into: &hash)
  security.received(pdu: publicKey.span, now: now)
  hashAnswers(of: &security, now, into: &hash)
  security.received(pdu: randomValue.span, now: now)
  hashAnswers(of: &security, now, into: &hash)
  security.received(pdu: wrongCheck.span, now: now)
  hashAnswers(of: &security, now, into: &hash)
  guard security.takeEvent() == .failed(.refused(.checkFailed)) else { return 0 }

  for i in UInt64(0)..<20 {
    let secret = CableSecret(Block128(UInt32(truncatingIfNeeded: i), 1, 2, 3))
    hash.add(secret.passkey(boardNonce: i &* 0x9e37_79b9_7f4a_7c15, gatewayNonce: ~i))
  }
  let bond = Bond(
    peerIdentity: DeviceAddress(kind: .random, value: 0xc0ff_ee00_0002),
    peerResolvingKey: Block128(5, 6, 7, 8),
    longTermKey: Block128(1, 2, 3, 4), isAuthenticated: true)
  var encoded = BoundedBytes(capacity: Bond.encodedLength)
  bond.encode(into: &encoded)
  hash.add(encoded.span)
  guard Bond(decoding: encoded.span) == bond else { return 0 }
  return hash.value
}

private func hashAnswers(of security: inout SecurityManager, _ now: Timestamp, into hash: inout FNV1a) {
  while security.work(now: now) {}
  var pdu = BoundedBytes(capacity: SecurityManager.maximumPDULength)
  while security.nextPDU(into: &pdu) { hash.add(pdu.span) }
}

private func product(_ key: P256.PrivateKey, _ base: P256.PublicKey) -> P256.PublicKey? {
  var multiplication = P256.Multiplication(of: base, by: key)
  while multiplication.advance() {}
  return multiplication.product
}

extension FNV1a {
  fileprivate mutating func add(_ block: Block128) {
    for i in 0..<4 { add(block.words[i]) }
  }

  fileprivate mutating func add(_ number: Words256) {
    for i in 0..<Words256.byteCount { add(UInt32(number[byte: i])) }
  }
}
