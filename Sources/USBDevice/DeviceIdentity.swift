public import Bytes

/// Who the device says it is.
public struct DeviceIdentity: Sendable {
  /// `idVendor`.
  public var vendor: UInt16
  /// `idProduct`.
  public var product: UInt16
  /// `bcdDevice`, e.g. 0x0010 for version 0.1.0.
  public var release: UInt16
  /// Names for people, in ASCII.
  public var manufacturer: ShortText
  /// Likewise.
  public var name: ShortText
  /// The serial number is this in 16 upper-case hexadecimal digits.
  public var identity: UInt64

  /// An identity with these values.
  public init(
    vendor: UInt16, product: UInt16, release: UInt16, manufacturer: ShortText, name: ShortText,
    identity: UInt64
  ) {
    self.vendor = vendor
    self.product = product
    self.release = release
    self.manufacturer = manufacturer
    self.name = name
    self.identity = identity
  }

  /// The serial number.
  public var serialNumber: ShortText {
    var digits = InlineArray<16, UInt8>(repeating: 0)
    for i in 0..<16 {
      let digit = UInt8(truncatingIfNeeded: identity >> UInt64(60 - 4 * i)) & 15
      digits[i] = digit < 10 ? 0x30 + digit : 0x41 - 10 + digit
    }
    return ShortText(digits.span)
  }
}
