public import Bytes
import CBOR

/// Board to gateway: there is no protocol version that both speak.
public struct Refusal: Sendable, Equatable {
  /// The oldest version the board speaks.
  public var minimumVersion: UInt16
  /// The newest version the board speaks.
  public var maximumVersion: UInt16

  /// A refusal by a board that speaks the given versions.
  public init(minimumVersion: UInt16, maximumVersion: UInt16) {
    self.minimumVersion = minimumVersion
    self.maximumVersion = maximumVersion
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

extension Refusal: MessageFields {
  static var requiredKeys: UInt32 { 2 }

  init() {
    self.init(minimumVersion: 0, maximumVersion: 0)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: minimumVersion)
      cbor.field(2, unsigned: maximumVersion)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: minimumVersion = try cbor.unsigned()
    case 2: maximumVersion = try cbor.unsigned()
    default: break
    }
  }
}
