/// The identity of a board: the 64-bit number that its chip was given in the factory (FICR DEVICEID on the
/// nRF52840). It does not depend on the port, the carrier or the address the board is reached by.
public struct BoardID: Hashable, Comparable, Sendable {
  /// The number; every value is a valid identity.
  public let rawValue: UInt64

  /// Makes an identity from its number.
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Orders identities by number, so that anything done "for every board" has one fixed order.
  public static func < (left: BoardID, right: BoardID) -> Bool {
    left.rawValue < right.rawValue
  }
}

extension BoardID: LosslessStringConvertible {
  /// Sixteen lower-case hexadecimal digits, most significant first.
  public var description: String {
    let digits = String(rawValue, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Reads what ``description`` writes (upper case is understood as well); nil for anything else.
  public init?(_ description: String) {
    guard description.utf8.count == 16, description.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }),
      let value = UInt64(description, radix: 16)
    else { return nil }
    rawValue = value
  }
}
