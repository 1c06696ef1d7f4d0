public import Bytes
public import Cryptography
import Digests

/// What two devices keep of a pairing.
public struct Bond: Sendable, Equatable {
  /// Number of octets of the encoding.
  public static let encodedLength = 45

  /// The central by its identity address, or by the one it connected from if it gave none.
  public var peerIdentity: DeviceAddress

  /// With which the central's private addresses are recognised; zero if it has none.
  public var peerResolvingKey: Block128

  /// With which connections are encrypted.
  public var longTermKey: Block128

  /// Whether the pairing proved who the central is: by a passkey, displayed or by cable.
  public var isAuthenticated: Bool

  /// A bond of these parts.
  public init(
    peerIdentity: DeviceAddress, peerResolvingKey: Block128, longTermKey: Block128, isAuthenticated: Bool
  ) {
    self.peerIdentity = peerIdentity
    self.peerResolvingKey = peerResolvingKey
    self.longTermKey = longTermKey
    self.isAuthenticated = isAuthenticated
  }

  /// Whether a central that connects from `address` is the one of this bond.
  public func matches(_ address: DeviceAddress) -> Bool {
    if address == peerIdentity { return true }
    return peerResolvingKey != .zero && address.isResolved(by: peerResolvingKey)
  }

  private static let version: UInt8 = 1
  private static let authenticatedFlag: UInt8 = 1

  /// Appends the ``encodedLength`` octets of Protocols/pairing-by-cable.md.
  public func encode(into octets: inout BoundedBytes) {
    var crc = CRC32C()
    func put(_ octet: UInt8) {
      octets.append(octet)
      crc.update(byte: octet)
    }
    put(Self.version)
    put(isAuthenticated ? Self.authenticatedFlag : 0)
    put(peerIdentity.kind.rawValue)
    for i in 0..<DeviceAddress.octetCount { put(peerIdentity.octet(i)) }
    for i in 0..<Block128.byteCount { put(peerResolvingKey[byte: i]) }
    for i in 0..<Block128.byteCount { put(longTermKey[byte: i]) }
    octets.append(littleEndian: UInt64(crc.value), width: 4)
  }

  /// Reads an encoding; nil if a bit of it is wrong or it is of a version that is not known.
  public init?(decoding octets: Span<UInt8>) {
    guard octets.count == Self.encodedLength, octets[0] == Self.version, octets[1] <= Self.authenticatedFlag,
      let kind = DeviceAddress.Kind(rawValue: octets[2]),
      let identity = DeviceAddress(kind: kind, littleEndian: octets.extracting(3..<9)),
      let resolvingKey = Block128(bigEndian: octets.extracting(9..<25)),
      let longTermKey = Block128(bigEndian: octets.extracting(25..<41))
    else { return nil }
    var crc: UInt32 = 0
    for i in 0..<4 { crc |= UInt32(octets[41 + i]) << UInt32(8 * i) }
    guard crc == CRC32C.of(octets.extracting(0..<41)) else { return nil }
    peerIdentity = identity
    peerResolvingKey = resolvingKey
    self.longTermKey = longTermKey
    isAuthenticated = octets[1] == Self.authenticatedFlag
  }
}
