public import Bytes

/// The address of a Bluetooth Low Energy device: 48 bits and their kind (Core specification, Vol 6 Part B §1.3).
public struct DeviceAddress: Sendable, Hashable {
  /// How the 48 bits came about.
  public enum Kind: UInt8, Sendable {
    /// Given by the IEEE to the maker, for the life of the device.
    case publicDevice = 0
    /// Drawn by the device itself; the two top bits tell of which sort.
    case random = 1
  }

  /// Number of octets on the air.
  public static let octetCount = 6

  /// How the 48 bits came about, as HCI codes it.
  public var kind: Kind

  /// The 48 bits; the octet that people write first is the most significant one.
  public let value: UInt64

  /// An address of which the 48 low bits of `value` are taken.
  public init(kind: Kind, value: UInt64) {
    self.kind = kind
    self.value = value & 0xffff_ffff_ffff
  }

  /// Takes six octets as they go over the air, least significant first; nil if there are more or fewer.
  public init?(kind: Kind, littleEndian octets: Span<UInt8>) {
    guard octets.count == Self.octetCount else { return nil }
    var value: UInt64 = 0
    for i in 0..<Self.octetCount { value |= UInt64(octets[i]) << UInt64(8 * i) }
    self.init(kind: kind, value: value)
  }

  /// Octet `index` (0…5) of those that go over the air, least significant first.
  public func octet(_ index: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
  }

  /// Appends the six octets as they go over the air, least significant first.
  public func append(to bytes: inout BoundedBytes) {
    bytes.append(littleEndian: value, width: Self.octetCount)
  }

  /// Whether it is a random address that stays at least until the device restarts: top bits 11, and the others
  /// neither all 0 nor all 1.
  public var isStaticRandom: Bool {
    kind == .random && value >> 46 == 0b11 && randomPart != 0 && randomPart != Self.randomPartMask
  }

  /// Whether it is a random address that whoever holds the device's identity resolving key recognises: top bits
  /// 01, and the rest of the upper half neither all 0 nor all 1.
  public var isResolvablePrivate: Bool {
    guard kind == .random, value >> 46 == 0b01 else { return false }
    let prand = value >> 24 & 0x3f_ffff
    return prand != 0 && prand != 0x3f_ffff
  }

  /// Whether it can stand for a device for good: a public address or a static random one. Only such an address may
  /// be given as an identity (Vol 3 Part H §3.6.5).
  public var isIdentity: Bool { kind == .publicDevice || isStaticRandom }

  private static let randomPartMask: UInt64 = 0x3fff_ffff_ffff
  private var randomPart: UInt64 { value & Self.randomPartMask }
}

extension DeviceAddress {
  /// Number of characters of the text form.
  public static let textLength = 17

  /// Appends the text form, `C0:FF:EE:00:00:01`: most significant octet first.
  public func appendText(to bytes: inout BoundedBytes) {
    for i in 0..<Self.octetCount {
      if i > 0 { bytes.append(0x3a) }
      let octet = octet(Self.octetCount - 1 - i)
      bytes.append(Self.digit(octet >> 4))
      bytes.append(Self.digit(octet & 15))
    }
  }

  /// Reads the text form, hexadecimal digits in either case; nil for anything else.
  public init?(kind: Kind, text: Span<UInt8>) {
    guard text.count == Self.textLength else { return nil }
    var value: UInt64 = 0
    for i in 0..<Self.textLength {
      if i % 3 == 2 {
        guard text[i] == 0x3a else { return nil }
      } else {
        guard let digit = Self.value(ofDigit: text[i]) else { return nil }
        value = value << 4 | digit
      }
    }
    self.init(kind: kind, value: value)
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? 0x30 &+ value : 0x37 &+ value
  }

  private static func value(ofDigit character: UInt8) -> UInt64? {
    switch character {
    case 0x30...0x39: UInt64(character - 0x30)
    case 0x41...0x46: UInt64(character - 0x37)
    case 0x61...0x66: UInt64(character - 0x57)
    default: nil
    }
  }
}
