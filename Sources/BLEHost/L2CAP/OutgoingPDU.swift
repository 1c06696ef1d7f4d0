/// An L2CAP PDU on its way to the controller, cut into ACL packets: a few octets of headers and then part of a buffer
/// that stays as it is until the last octet is gone.
struct OutgoingPDU {
  /// The buffer that the payload lies in.
  enum Source: Equatable {
    /// An answer of the attribute server.
    case attributes
    /// A signalling command or a PDU of the Security Manager.
    case control
    /// A frame, or part of one.
    case frame
  }

  /// L2CAP's header, and then what a notification and a fragment's or a segment's header take at most.
  private(set) var header: InlineArray<10, UInt8> = .init(repeating: 0)
  private(set) var headerLength = 0
  let source: Source
  /// Where the payload lies in its buffer.
  let start: Int
  let end: Int
  /// Octets that are gone, headers included.
  var sent = 0

  /// A PDU for `channel` with a payload from `start` to `end` of `source`; headers come by ``append(_:)``.
  init(channel: UInt16, source: Source, start: Int, end: Int) {
    self.source = source
    self.start = start
    self.end = end
    headerLength = 4
    header[2] = UInt8(truncatingIfNeeded: channel)
    header[3] = UInt8(truncatingIfNeeded: channel >> 8)
    updateLength()
  }

  /// Puts an octet before the payload.
  mutating func append(_ octet: UInt8) {
    header[headerLength] = octet
    headerLength += 1
    updateLength()
  }

  /// Octets in all.
  var count: Int { headerLength + end - start }

  private mutating func updateLength() {
    let length = count - 4
    header[0] = UInt8(truncatingIfNeeded: length)
    header[1] = UInt8(truncatingIfNeeded: length >> 8)
  }
}
