/// How the host believes that bytes go over a wire (PSTN 1.2, 6.3.11). There is no wire; but 1200 baud means
/// something to Arduino boards, see ``BootloaderTouch``.
public struct LineCoding: Sendable, Equatable {
  /// Bytes of it in a request.
  static let length = 7

  /// Bits a second.
  public var rate: UInt32 = 115_200
  /// 0: one stop bit, 1: one and a half, 2: two.
  public var stopBits: UInt8 = 0
  /// None, odd, even, mark, space.
  public var parity: UInt8 = 0
  /// 5, 6, 7, 8 or 16.
  public var dataBits: UInt8 = 8

  /// 115,200 baud, 8 bits, no parity, one stop bit.
  public init() {}

  /// What the bytes of a request say; nil if a field has a value that the specification does not know.
  init?(_ bytes: Span<UInt8>) {
    guard bytes.count == Self.length, bytes[4] <= 2, bytes[5] <= 4, bytes[6] >= 5,
      bytes[6] <= 8 || bytes[6] == 16
    else { return nil }
    rate = 0
    for i in 0..<4 { rate |= UInt32(bytes[i]) << UInt32(8 * i) }
    stopBits = bytes[4]
    parity = bytes[5]
    dataBits = bytes[6]
  }

  func encode(into bytes: inout InlineArray<8, UInt8>) {
    for i in 0..<4 { bytes[i] = UInt8(truncatingIfNeeded: rate >> UInt32(8 * i)) }
    bytes[4] = stopBits
    bytes[5] = parity
    bytes[6] = dataBits
  }
}
