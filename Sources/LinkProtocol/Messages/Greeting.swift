public import Bytes
import CBOR

/// Gateway to board: opens a session. Its layout never changes, so that any two versions can at least say
/// that they do not understand each other.
public struct Greeting: Sendable, Equatable {
  /// The oldest protocol version the gateway speaks.
  public var minimumVersion: UInt16
  /// The newest protocol version the gateway speaks.
  public var maximumVersion: UInt16
  /// A random number; its low 16 bits are the tag in every frame of the session.
  public var session: UInt32
  /// The longest frame the gateway takes, in bytes.
  public var maximumFrame: UInt16
  /// The gateway's name, for people.
  public var gateway: ShortText
  /// Seconds since 1970, for boards without a clock; 0 if the gateway does not know the time.
  public var time: UInt64

  /// A greeting in all versions this code speaks.
  public init(session: UInt32, maximumFrame: UInt16, gateway: ShortText, time: UInt64) {
    minimumVersion = ProtocolVersion.oldest
    maximumVersion = ProtocolVersion.newest
    self.session = session
    self.maximumFrame = maximumFrame
    self.gateway = gateway
    self.time = time
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

extension Greeting: MessageFields {
  static var requiredKeys: UInt32 { 4 }

  init() {
    self.init(session: 0, maximumFrame: 0, gateway: ShortText(), time: 0)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: minimumVersion)
      cbor.field(2, unsigned: maximumVersion)
      cbor.field(3, unsigned: session)
      cbor.field(4, unsigned: maximumFrame)
      cbor.field(5, text: gateway.span)
      cbor.field(6, unsigned: time)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: minimumVersion = try cbor.unsigned()
    case 2: maximumVersion = try cbor.unsigned()
    case 3: session = try cbor.unsigned()
    case 4: maximumFrame = try cbor.unsigned()
    case 5: gateway = ShortText(try cbor.text())
    case 6: time = try cbor.unsigned()
    default: break
    }
  }
}
