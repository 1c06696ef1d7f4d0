import Bytes

/// The type of an attribute: a UUID of 16 bits given by the Bluetooth SIG, or one of this project's, which differ in
/// 16 bits as well.
struct AttributeType: Equatable {
  let number: UInt16
  /// Whether it is one of this project's: ``baseUUID`` with the number in octets 12 and 13.
  let isOwn: Bool

  static func sig(_ number: UInt16) -> AttributeType { AttributeType(number: number, isOwn: false) }
  static func own(_ number: UInt16) -> AttributeType { AttributeType(number: number, isOwn: true) }

  static let primaryService = sig(0x2800)
  static let secondaryService = sig(0x2801)
  static let characteristic = sig(0x2803)
  static let clientConfiguration = sig(0x2902)

  /// Octets on the air.
  var byteCount: Int { isOwn ? 16 : 2 }

  /// Octet `index` (0…15, least significant first) of 88cbNNNN-6dff-445c-9674-1a94cec12e53, NNNN being 0.
  private static func ownBase(_ index: Int) -> UInt8 {
    let low: UInt64 = 0x9674_1a94_cec1_2e53
    let high: UInt64 = 0x88cb_0000_6dff_445c
    return UInt8(truncatingIfNeeded: (index < 8 ? low : high) >> UInt64(8 * (index & 7)))
  }

  /// Octet `index` (0…15, least significant first) of 00000000-0000-1000-8000-00805f9b34fb.
  private static func sigBase(_ index: Int) -> UInt8 {
    let low: UInt64 = 0x8000_0080_5f9b_34fb
    let high: UInt64 = 0x1000
    return UInt8(truncatingIfNeeded: (index < 8 ? low : high) >> UInt64(8 * (index & 7)))
  }

  /// Octet `index` of what goes over the air, least significant first.
  func octet(_ index: Int) -> UInt8 {
    guard isOwn, index < 12 || index > 13 else {
      return UInt8(truncatingIfNeeded: number >> UInt16(8 * (index & 1)))
    }
    return Self.ownBase(index)
  }

  func append(to bytes: inout BoundedBytes) {
    for i in 0..<byteCount { bytes.append(octet(i)) }
  }

  /// Reads a UUID of 2 or 16 octets; nil if it is none that could be in the table.
  init?(_ octets: Span<UInt8>) {
    switch octets.count {
    case 2:
      self = .sig(UInt16(octets[0]) | UInt16(octets[1]) << 8)
    case 16:
      let number = UInt16(octets[12]) | UInt16(octets[13]) << 8
      var isOwn = true
      var isSIG = true
      for i in 0..<16 where i != 12 && i != 13 {
        isOwn = isOwn && octets[i] == Self.ownBase(i)
        isSIG = isSIG && octets[i] == Self.sigBase(i)
      }
      guard isOwn || isSIG else { return nil }
      self = isOwn ? .own(number) : .sig(number)
    default:
      return nil
    }
  }

  private init(number: UInt16, isOwn: Bool) {
    self.number = number
    self.isOwn = isOwn
  }
}

/// Whose value an attribute holds.
enum AttributeValue: Equatable {
  case deviceName, appearance, preferredParameters
  case serviceChanged, clientFeatures, databaseHash
  case manufacturer, model, serialNumber, firmware, hardware
  case identity, pairing, receive, transmit
}

/// The attributes of a board, the same in every version for ever: gateways remember them (Protocols/gatt.md §2).
enum AttributeTable {
  enum Attribute: Equatable {
    case service(AttributeType, last: UInt16)
    case characteristic(AttributeType, properties: UInt8)
    case value(AttributeValue, AttributeType)
    case configuration(AttributeValue)
  }

  /// The highest handle; all from 1 on are in use.
  static let last: UInt16 = 0x0024
  /// Where the gateway writes, and where the board notifies.
  static let receiveHandle: UInt16 = 0x001f
  static let transmitHandle: UInt16 = 0x0021

  /// The database hash (Core specification, Vol 3 Part G §7.3), most significant octet first. A constant, as the
  /// table is; the tests compute it anew.
  static let databaseHash: (UInt64, UInt64) = (0xefe2_a286_83ec_09a2, 0x1ccb_dc3e_2b0e_2e34)

  private static let read: UInt8 = 0x02
  private static let writeWithoutResponse: UInt8 = 0x04
  private static let write: UInt8 = 0x08
  private static let notify: UInt8 = 0x10
  private static let indicate: UInt8 = 0x20

  /// The attribute with this handle; nil if there is none.
  static func attribute(_ handle: UInt16) -> Attribute? {
    switch handle {
    case 0x0001: .service(.sig(0x1800), last: 0x0007)
    case 0x0002: .characteristic(.sig(0x2a00), properties: read)
    case 0x0003: .value(.deviceName, .sig(0x2a00))
    case 0x0004: .characteristic(.sig(0x2a01), properties: read)
    case 0x0005: .value(.appearance, .sig(0x2a01))
    case 0x0006: .characteristic(.sig(0x2a04), properties: read)
    case 0x0007: .value(.preferredParameters, .sig(0x2a04))

    case 0x0008: .service(.sig(0x1801), last: 0x000f)
    case 0x0009: .characteristic(.sig(0x2a05), properties: indicate)
    case 0x000a: .value(.serviceChanged, .sig(0x2a05))
    case 0x000b: .configuration(.serviceChanged)
    case 0x000c: .characteristic(.sig(0x2b29), properties: read | write)
    case 0x000d: .value(.clientFeatures, .sig(0x2b29))
    case 0x000e: .characteristic(.sig(0x2b2a), properties: read)
    case 0x000f: .value(.databaseHash, .sig(0x2b2a))

    case 0x0010: .service(.sig(0x180a), last: 0x001a)
    case 0x0011: .characteristic(.sig(0x2a29), properties: read)
    case 0x0012: .value(.manufacturer, .sig(0x2a29))
    case 0x0013: .characteristic(.sig(0x2a24), properties: read)
    case 0x0014: .value(.model, .sig(0x2a24))
    case 0x0015: .characteristic(.sig(0x2a25), properties: read)
    case 0x0016: .value(.serialNumber, .sig(0x2a25))
    case 0x0017: .characteristic(.sig(0x2a26), properties: read)
    case 0x0018: .value(.firmware, .sig(0x2a26))
    case 0x0019: .characteristic(.sig(0x2a27), properties: read)
    case 0x001a: .value(.hardware, .sig(0x2a27))

    case 0x001b: .service(.own(1), last: last)
    case 0x001c: .characteristic(.own(2), properties: read)
    case 0x001d: .value(.identity, .own(2))
    case 0x001e: .characteristic(.own(3), properties: writeWithoutResponse)
    case 0x001f: .value(.receive, .own(3))
    case 0x0020: .characteristic(.own(4), properties: notify)
    case 0x0021: .value(.transmit, .own(4))
    case 0x0022: .configuration(.transmit)
    case 0x0023: .characteristic(.own(5), properties: read | write)
    case 0x0024: .value(.pairing, .own(5))
    default: nil
    }
  }

  /// The type of an attribute.
  static func type(of attribute: Attribute) -> AttributeType {
    switch attribute {
    case .service: .primaryService
    case .characteristic: .characteristic
    case .value(_, let type): type
    case .configuration: .clientConfiguration
    }
  }

  /// The last handle of the group that begins at `handle`: of a service all its attributes, else itself.
  static func endOfGroup(_ handle: UInt16) -> UInt16 {
    if case .service(_, let last) = attribute(handle) { return last }
    return handle
  }
}
