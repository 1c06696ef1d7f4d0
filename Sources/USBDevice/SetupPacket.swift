/// The eight bytes that begin a control transfer (USB 2.0, 9.3).
public struct SetupPacket: Sendable, Equatable {
  /// Direction of the data, kind of request, recipient: `bmRequestType`.
  public var requestType: UInt8
  /// Which request: `bRequest`.
  public var request: UInt8
  /// `wValue`.
  public var value: UInt16
  /// `wIndex`: an interface or an endpoint, for requests that mean one.
  public var index: UInt16
  /// `wLength`: bytes of data that the host sends, or takes at most.
  public var length: UInt16

  /// A packet with these fields.
  public init(requestType: UInt8, request: UInt8, value: UInt16, index: UInt16, length: UInt16) {
    self.requestType = requestType
    self.request = request
    self.value = value
    self.index = index
    self.length = length
  }

  var valueLow: UInt8 { UInt8(truncatingIfNeeded: value) }
  var valueHigh: UInt8 { UInt8(truncatingIfNeeded: value >> 8) }
}

/// Direction, kind and recipient of the requests that are answered (USB 2.0, table 9-2).
enum RequestType {
  static let toDevice: UInt8 = 0x00
  static let toInterface: UInt8 = 0x01
  static let toEndpoint: UInt8 = 0x02
  static let fromDevice: UInt8 = 0x80
  static let fromInterface: UInt8 = 0x81
  static let fromEndpoint: UInt8 = 0x82
  static let classToInterface: UInt8 = 0x21
  static let classFromInterface: UInt8 = 0xa1
}

/// USB 2.0, table 9-4.
enum StandardRequest {
  static let getStatus: UInt8 = 0
  static let clearFeature: UInt8 = 1
  static let setFeature: UInt8 = 3
  static let setAddress: UInt8 = 5
  static let getDescriptor: UInt8 = 6
  static let getConfiguration: UInt8 = 8
  static let setConfiguration: UInt8 = 9
  static let getInterface: UInt8 = 10
  static let setInterface: UInt8 = 11
}

/// USB 2.0, table 9-6.
enum Feature {
  static let endpointHalt: UInt16 = 0
  static let remoteWakeUp: UInt16 = 1
}

/// PSTN 1.2, table 13.
enum SerialRequest {
  static let setLineCoding: UInt8 = 0x20
  static let getLineCoding: UInt8 = 0x21
  static let setControlLineState: UInt8 = 0x22
  static let sendBreak: UInt8 = 0x23
}
