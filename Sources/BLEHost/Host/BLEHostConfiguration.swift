public import BLESecurity
public import Bytes

/// What a board's host is set up with, once.
public struct BLEHostConfiguration: Sendable {
  /// PSM of the L2CAP channel.
  public static let psm: UInt16 = 0x0080
  /// The shortest frame that every peer must take, as the link protocol says.
  public static let smallestFrame = 320

  /// What the board calls itself.
  public var texts: DeviceTexts
  /// The static random address to use; nil for the controller's own public one.
  public var address: DeviceAddress?
  /// The number that names the board.
  public var board: UInt64
  /// The longest frame, in octets: ``smallestFrame``…1200.
  public var maximumFrame = 1040
  /// What a connection must have become before frames are taken.
  public var dataRequirement = SecurityRequirement.encrypted
  /// The largest ATT MTU agreed to, 23…517. The default fills two of the link layer's longest packets to the last
  /// octet: 2 · 251 = 498 + 4 of L2CAP.
  public var maximumMTU = 498
  /// The longest L2CAP segment taken, 23…``maximumFrame`` + 2, chosen like ``maximumMTU``.
  public var mps = 498
  /// Room for frames that wait to be taken, in octets; the peer has credits for this much.
  public var inboxCapacity = 4 * 1042
  /// Time between two advertisements, in units of 0.625 ms: 32…16384.
  public var advertisingInterval: UInt16 = 160
  /// What is asked for when frames begin to flow.
  public var parameters = ConnectionParameters.quick
  /// Silence of a peer that has no carrier open after which the connection is ended, in µs: a gateway whose program
  /// died without saying so would keep the board from being found.
  public var idleTimeout: UInt64 = 60_000_000

  /// A board with these texts and defaults for the rest.
  public init(texts: DeviceTexts, address: DeviceAddress?, board: UInt64) {
    self.texts = texts
    self.address = address
    self.board = board
  }
}

extension BLEHostConfiguration {
  /// What boards of this project have in common: their names, and addresses that are theirs after every reset
  /// (Protocols/gatt.md §1).
  ///
  /// - Parameters:
  ///   - model: the kind of board, for people.
  ///   - hardware: what the welcome calls it.
  public init(
    board: UInt64, model: ShortText, firmware: ShortText, hardware: ShortText, maximumFrame: Int,
    mode: PairingMode
  ) {
    var name = BoundedBytes(capacity: ShortText.capacity)
    let maker: StaticString = "FedBridge"
    for i in 0..<maker.utf8CodeUnitCount { name.append(maker.utf8Start[i]) }
    name.append(UInt8(ascii: " "))
    for digit in 0..<16 {
      let value = UInt8(truncatingIfNeeded: board >> UInt64(60 - 4 * digit)) & 15
      name.append(value < 10 ? 0x30 + value : 0x37 + value)
    }
    let address = DeviceAddress(kind: .random, value: board | 0xc000_0000_0000)
    self.init(
      texts: DeviceTexts(
        name: ShortText(name.span), manufacturer: ShortText(maker), model: model, firmware: firmware,
        hardware: hardware),
      address: address.isStaticRandom ? address : nil, board: board)
    self.maximumFrame = maximumFrame
    dataRequirement = mode.dataRequirement
  }
}
