import Bytes

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
    var fields = ByteReader(bytes)
    guard bytes.count == Self.length, let rate = fields.readLittleEndian(width: 4),
      let stopBits = fields.readByte(), stopBits <= 2, let parity = fields.readByte(), parity <= 4,
      let dataBits = fields.readByte(), dataBits >= 5, dataBits <= 8 || dataBits == 16
    else { return nil }
    self.rate = UInt32(rate)
    self.stopBits = stopBits
    self.parity = parity
    self.dataBits = dataBits
  }

  func encode(into bytes: inout BoundedBytes) {
    bytes.append(littleEndian: UInt64(rate), width: 4)
    bytes.append(stopBits)
    bytes.append(parity)
    bytes.append(dataBits)
  }
}
