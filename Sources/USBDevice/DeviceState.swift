/// Where the device stands with its host (USB 2.0, 9.1.1 and figure 9-1). Suspension is apart from it, as it can
/// befall every state but the first.
public enum DeviceState: Sendable, Equatable {
  /// The bus gives no power.
  case attached
  /// The bus gives power; it was not reset yet.
  case powered
  /// Answers to address 0.
  case `default`
  /// Answers to an address of its own.
  case address(UInt8)
  /// Its function works.
  case configured(UInt8)
}

/// The endpoints of the function besides endpoint 0; the raw value is the address in the descriptors.
public enum Endpoint: UInt8, Sendable {
  /// Bytes from the host: bulk OUT.
  case bytesOut = 0x02
  /// Notifications for the host: interrupt IN.
  case notifications = 0x81
  /// Bytes for the host: bulk IN.
  case bytesIn = 0x82

  /// 1…15.
  public var number: UInt8 { rawValue & 0x0f }

  /// Whether it carries packets to the host.
  public var isIn: Bool { rawValue & 0x80 != 0 }

  /// Longest packet in bytes.
  public var packetSize: Int { self == .notifications ? 16 : SerialDevice.packetSize }

  var changeBit: EndpointChanges {
    switch self {
    case .bytesOut: EndpointChanges(rawValue: 4)
    case .notifications: EndpointChanges(rawValue: 8)
    case .bytesIn: EndpointChanges(rawValue: 16)
    }
  }
}

/// What the hardware has to do to its endpoints after an event.
public struct EndpointChanges: OptionSet, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// A set of these bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Shut all endpoints but endpoint 0, and forget the packets in them.
  public static var closed: EndpointChanges { EndpointChanges(rawValue: 1) }
  /// Open them afresh: no packet in them, not halted, data toggles at DATA0.
  public static var opened: EndpointChanges { EndpointChanges(rawValue: 2) }

  /// Whether this endpoint was halted, or begins again at DATA0 and not halted: see ``SerialDevice/isHalted(_:)``.
  public func concerns(_ endpoint: Endpoint) -> Bool { contains(endpoint.changeBit) }
}
