import CBOR

/// Sixteen octets that mean nothing to the link protocol, such as a key. Held in place, without a heap.
public struct Octets16: Sendable, Equatable {
  /// Number of octets of every value.
  public static let count = 16

  private var storage: InlineArray<16, UInt8>

  /// Takes the 16 octets of `octets`; nil if there are more or fewer.
  public init?(_ octets: Span<UInt8>) {
    guard octets.count == Self.count else { return nil }
    storage = .init { octets[$0] }
  }

  fileprivate init() { storage = .init(repeating: 0) }

  /// The octet at `index`, which must be 0…15.
  public subscript(_ index: Int) -> UInt8 { storage[index] }

  /// The 16 octets.
  public var span: Span<UInt8> {
    @_lifetime(borrow self) get { storage.span }
  }

  /// Whether all octets are equal, in a time that does not depend on them.
  public static func == (a: Self, b: Self) -> Bool {
    var difference: UInt8 = 0
    for i in 0..<count { difference |= a.storage[i] ^ b.storage[i] }
    return difference == 0
  }
}

/// Gateway to board, over a cable only: the secret by which both pair over the air later
/// (Protocols/pairing-by-cable.md).
public struct CableSecretMessage: Sendable, Equatable {
  /// The number by which a `problem` names this message.
  public static let type: UInt8 = 40

  /// The secret, as it enters the passkey: first octet most significant.
  public var secret: Octets16

  /// A message with this secret.
  public init(secret: Octets16) {
    self.secret = secret
  }
}

extension CableSecretMessage: MessageFields {
  static var requiredKeys: UInt32 { 1 }

  init() {
    self.init(secret: Octets16())
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, bytes: secret.span)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1:
      guard let octets = Octets16(try cbor.bytes()) else { throw .wrongType }
      secret = octets
    default: break
    }
  }
}
