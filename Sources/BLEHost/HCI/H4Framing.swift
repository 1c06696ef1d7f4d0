import Bytes

/// What the octet before an HCI packet says it is (Core specification, Vol 4 Part A §2).
enum H4Type {
  static let command: UInt8 = 1
  static let acl: UInt8 = 2
  static let synchronous: UInt8 = 3
  static let event: UInt8 = 4
  static let isochronous: UInt8 = 5
}

/// HCI packets on a byte stream (UART, socket), as they come from a controller: a type octet, then a header that
/// says how much follows (Core specification, Vol 4 Part A).
///
/// H4 has no mark between packets: after lost octets nothing says where the next one begins. An octet that is no
/// type is passed over and counted, and so the stream comes right again by luck only; the host's commands time out
/// and it resets the controller.
public struct H4Framing: ~Copyable {
  /// The longest event, with its type octet.
  public static let longestEvent = 3 + 255

  private var held: BoundedBytes
  /// Octets of a packet too long to be held that are still to come.
  private var toSkip = 0
  private var isWhole = false

  /// Octets that were no packet's type.
  public private(set) var strayOctets: UInt32 = 0
  /// Packets longer than this takes.
  public private(set) var oversized: UInt32 = 0

  /// - Parameter maximumPacket: the longest packet taken, type octet included; at least ``longestEvent``.
  public init(maximumPacket: Int) {
    held = BoundedBytes(capacity: max(maximumPacket, Self.longestEvent))
  }

  /// The packet that ``advance(over:from:)`` found, type octet first, until its next call.
  public var packet: Span<UInt8> {
    @_lifetime(borrow self) get { held.span }
  }

  /// Forgets a packet of which not everything came: the stream begins anew.
  public mutating func restart() {
    held.removeAll()
    toSkip = 0
    isWhole = false
  }

  /// Takes octets from `input`, beginning at `offset`, up to the end of the next packet.
  ///
  /// - Returns: true if ``packet`` now holds a packet; false when all octets were taken.
  public mutating func advance(over input: Span<UInt8>, from offset: inout Int) -> Bool {
    if isWhole { restart() }
    while offset < input.count {
      if toSkip > 0 {
        let skipped = min(toSkip, input.count - offset)
        offset += skipped
        toSkip -= skipped
        continue
      }
      let wanted = Self.missing(in: held.span)
      if wanted > held.capacity - held.count {
        oversized &+= 1
        toSkip = wanted
        held.removeAll()
        continue
      }
      let taken = min(wanted, input.count - offset)
      held.append(contentsOf: input.extracting(offset..<offset + taken))
      offset += taken
      if held.count == 1, Self.headerLength(of: held.span[0]) == nil {
        strayOctets &+= 1
        held.removeAll()
      } else if Self.missing(in: held.span) == 0 {
        isWhole = true
        return true
      }
    }
    return false
  }

  /// Length of type octet and header; nil if no packet from a controller begins like this.
  private static func headerLength(of type: UInt8) -> Int? {
    switch type {
    case H4Type.acl, H4Type.isochronous: 5
    case H4Type.synchronous: 4
    case H4Type.event: 3
    default: nil
    }
  }

  /// How many octets are certainly still to come of the packet that begins like this; 0 if it is whole.
  private static func missing(in packet: Span<UInt8>) -> Int {
    guard packet.count > 0, let header = headerLength(of: packet[0]) else { return 1 }
    guard packet.count >= header else { return header - packet.count }
    let length =
      switch packet[0] {
      case H4Type.acl: Int(packet[3]) | Int(packet[4]) << 8
      // The two top bits are reserved.
      case H4Type.isochronous: (Int(packet[3]) | Int(packet[4]) << 8) & 0x3fff
      default: Int(packet[header - 1])
      }
    return header + length - packet.count
  }
}
