public import Cryptography

/// The cryptographic functions of the Security Manager (Core specification, Vol 3 Part H §2.2), all built on AES-CMAC
/// or AES. Numbers are taken most significant byte first, as there.
enum SecurityFunctions {
  /// f4 (§2.2.6): the confirm value of `x` for the public keys' first coordinates `u` and `v`.
  static func confirmValue(_ u: Words256, _ v: Words256, _ x: Block128, _ z: UInt8) -> Block128 {
    var code = CMAC(key: x)
    code.update(u)
    code.update(v)
    code.update(byte: z)
    return code.finalize()
  }

  /// f5 (§2.2.7): the keys from the shared secret, both nonces and both addresses, the initiator's first.
  static func keys(
    _ secret: Words256, _ n1: Block128, _ n2: Block128, _ a1: DeviceAddress, _ a2: DeviceAddress
  ) -> (macKey: Block128, longTermKey: Block128) {
    var extraction = CMAC(key: Block128(0x6c88_8391, 0xaaf5_a538, 0x6037_0bdb, 0x5a60_83be))
    extraction.update(secret)
    var expansion = CMAC(key: extraction.finalize())
    func key(_ counter: UInt8) -> Block128 {
      expansion.update(byte: counter)
      let name: InlineArray<4, UInt8> = [0x62, 0x74, 0x6c, 0x65]  // "btle"
      for i in 0..<4 { expansion.update(byte: name[i]) }
      expansion.update(n1)
      expansion.update(n2)
      a1.update(&expansion)
      a2.update(&expansion)
      // The length of what is made: 256 bits.
      expansion.update(byte: 1)
      expansion.update(byte: 0)
      return expansion.finalize()
    }
    let macKey = key(0)
    return (macKey, key(1))
  }

  /// f6 (§2.2.8): the check value, with `r` 0 or the passkey.
  static func checkValue(
    _ macKey: Block128, _ n1: Block128, _ n2: Block128, _ r: Block128, _ features: PairingFeatures,
    _ a1: DeviceAddress, _ a2: DeviceAddress
  ) -> Block128 {
    var code = CMAC(key: macKey)
    code.update(n1)
    code.update(n2)
    code.update(r)
    code.update(byte: features.authentication.rawValue)
    code.update(byte: features.hasOutOfBandData ? 1 : 0)
    code.update(byte: features.inputOutput.rawValue)
    a1.update(&code)
    a2.update(&code)
    return code.finalize()
  }

  /// ah (§2.2.2): the 24 bits that `key` makes of the 24 bits `random`.
  static func addressHash(_ key: Block128, _ random: UInt32) -> UInt32 {
    AES128(key: key).encrypt(Block128(0, 0, 0, random & 0xff_ffff)).words[3] & 0xff_ffff
  }
}

extension DeviceAddress {
  /// Seven bytes: the kind, then the address, most significant byte first.
  fileprivate func update(_ code: inout CMAC) {
    code.update(byte: kind.rawValue)
    for i in 0..<Self.octetCount { code.update(byte: octet(Self.octetCount - 1 - i)) }
  }
}

extension DeviceAddress {
  /// Whether it is a private address that was made with `key` (Vol 6 Part B §1.3.2.3).
  public func isResolved(by key: Block128) -> Bool {
    guard isResolvablePrivate else { return false }
    let hash = SecurityFunctions.addressHash(key, UInt32(truncatingIfNeeded: value >> 24))
    return hash == UInt32(truncatingIfNeeded: value) & 0xff_ffff
  }
}
