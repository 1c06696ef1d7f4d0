public import Bytes
import CBOR
public import Digests

/// Board to gateway: accepts a session and says who it is.
public struct Welcome: Sendable, Equatable {
  /// The protocol version both will speak.
  public var version: UInt16 = ProtocolVersion.newest
  /// The session number of the greeting.
  public var session: UInt32 = 0
  /// The board's identity, burnt into its chip.
  public var board: UInt64
  /// The longest frame the board takes, in bytes.
  public var maximumFrame: UInt16
  /// What it can do.
  public var capabilities: Capabilities
  /// The version of its firmware.
  public var firmware: ShortText
  /// The kind of board, e.g. `nano33ble`.
  public var hardware: ShortText
  /// A number that is another one after every reset.
  public var boot: UInt32
  /// The model it holds; nil if none.
  public var model: Digest32?
  /// Examples it can train on.
  public var examples: UInt32
  /// Parameters of the largest model it can train.
  public var maximumParameters: UInt32
  /// The codings of differences that it reads and writes, bit n for coding n of Protocols/update-format.md. Plain
  /// float32, bit 0, is known to all.
  public var codings: UInt32 = 1

  /// A welcome of a board that holds no model yet.
  public init(
    board: UInt64, maximumFrame: UInt16, capabilities: Capabilities, firmware: ShortText,
    hardware: ShortText, boot: UInt32, examples: UInt32, maximumParameters: UInt32
  ) {
    self.board = board
    self.maximumFrame = maximumFrame
    self.capabilities = capabilities
    self.firmware = firmware
    self.hardware = hardware
    self.boot = boot
    self.examples = examples
    self.maximumParameters = maximumParameters
  }

  /// Appends the CBOR of this message.
  public func encode(into buffer: inout BoundedBytes) {
    CBOREncoder.append(to: &buffer) { cbor in encode(into: &cbor) }
  }

  /// Reads the CBOR of this message; nil if it is none.
  public init?(parsing bytes: Span<UInt8>) {
    self.init(wholeOf: bytes)
  }
}

extension Welcome: MessageFields {
  static var requiredKeys: UInt32 { 8 }

  init() {
    self.init(
      board: 0, maximumFrame: 0, capabilities: [], firmware: ShortText(), hardware: ShortText(), boot: 0,
      examples: 0, maximumParameters: 0)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: version)
      cbor.field(2, unsigned: session)
      cbor.field(3, unsigned: board)
      cbor.field(4, unsigned: maximumFrame)
      cbor.field(5, unsigned: capabilities.rawValue)
      cbor.field(6, text: firmware.span)
      cbor.field(7, text: hardware.span)
      cbor.field(8, unsigned: boot)
      if let model { cbor.field(9, bytes: model.span) }
      cbor.field(10, unsigned: examples)
      cbor.field(11, unsigned: maximumParameters)
      cbor.field(12, unsigned: codings)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: version = try cbor.unsigned()
    case 2: session = try cbor.unsigned()
    case 3: board = try cbor.unsigned()
    case 4: maximumFrame = try cbor.unsigned()
    case 5: capabilities = Capabilities(rawValue: try cbor.unsigned())
    case 6: firmware = ShortText(try cbor.text())
    case 7: hardware = ShortText(try cbor.text())
    case 8: boot = try cbor.unsigned()
    case 9: model = try cbor.digest()
    case 10: examples = try cbor.unsigned()
    case 11: maximumParameters = try cbor.unsigned()
    case 12: codings = try cbor.unsigned()
    default: break
    }
  }
}
