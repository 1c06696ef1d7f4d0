public import Cryptography

/// What a gateway and a board agreed on over a cable, so that later they can pair over the air without a person:
/// from it and two nonces both derive the passkey of one attempt (Protocols/pairing-by-cable.md).
public struct CableSecret: Sendable, Equatable {
  /// 128 bits that the gateway drew.
  public let key: Block128

  /// A secret of 128 bits that must be unpredictable.
  public init(_ key: Block128) {
    self.key = key
  }

  /// The passkey of the attempt with these nonces, 0…999,999.
  ///
  /// An eavesdropper learns the passkey of every attempt, as passkey entry does not hide it; from it he learns
  /// neither the secret nor the passkey for other nonces. Each side draws one of the nonces, so that neither can be
  /// made to use a passkey that was used before.
  public func passkey(boardNonce: UInt64, gatewayNonce: UInt64) -> UInt32 {
    var code = CMAC(key: key)
    // "fedbridge passkey", so that the secret may serve other purposes.
    let label = Self.label
    for i in 0..<label.count { code.update(byte: label[i]) }
    for i in 0..<8 { code.update(byte: UInt8(truncatingIfNeeded: boardNonce >> UInt64(8 * i))) }
    for i in 0..<8 { code.update(byte: UInt8(truncatingIfNeeded: gatewayNonce >> UInt64(8 * i))) }
    return Self.passkey(from: code.finalize())
  }

  /// The number of 128 bits, modulo a million.
  static func passkey(from bits: Block128) -> UInt32 {
    var remainder: UInt32 = 0
    for i in 0..<Block128.byteCount { remainder = (remainder << 8 | UInt32(bits[byte: i])) % 1_000_000 }
    return remainder
  }

  private static var label: InlineArray<17, UInt8> {
    [
      0x66, 0x65, 0x64, 0x62, 0x72, 0x69, 0x64, 0x67, 0x65, 0x20, 0x70, 0x61, 0x73, 0x73, 0x6b, 0x65, 0x79,
    ]
  }
}

/// Who may pair, and how. Whoever is bonded may encrypt at any time.
public enum PairingPolicy: Sendable, Equatable {
  /// Nobody.
  case refused
  /// Anybody, without a proof of who it is. Safe from those who only listen.
  case justWorks
  /// Whoever types the number that the board displays.
  case displayedPasskey
  /// Whoever knows the secret that was exchanged over the cable.
  case cable(CableSecret)

  /// Whether who pairs must prove something.
  var isAuthenticated: Bool {
    switch self {
    case .refused, .justWorks: false
    case .displayedPasskey, .cable: true
    }
  }
}
