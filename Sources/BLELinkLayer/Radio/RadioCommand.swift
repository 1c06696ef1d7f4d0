/// What the radio is to do next. The link layer hands out one at a time; the driver arms it, and then asks the
/// ``RadioEvent`` after every packet.
public struct RadioCommand: Sendable, Equatable {
  /// Time between two packets of one event, in µs (T_IFS).
  public static let interFrameSpace: UInt32 = 150

  /// What begins the event.
  public enum Opening: Sendable, Equatable {
    /// Send this at ``RadioCommand/start``, then listen for an answer for a T_IFS and as long as it takes to
    /// recognise a packet.
    case transmit(Packet, header: UInt8)
    /// Listen from ``RadioCommand/start`` on, for a packet that begins at most ``RadioCommand/window`` µs later.
    case listen
  }

  /// What begins the event.
  public var opening: Opening
  /// When the first packet begins, or the earliest moment at which one may begin. The driver subtracts what its
  /// radio needs to get ready; if that is past already, the event is missed: ``RadioEvent/missed()``.
  public var start: RadioTime
  /// How much later than ``start`` the packet that is listened for may begin, in µs.
  public var window: UInt32
  /// Channel index, 0…39. It is the whitening's seed as well.
  public var channel: UInt8
  /// Access address.
  public var accessAddress: UInt32
  /// Initial value of the CRC, 24 bits.
  public var crcInit: UInt32
  /// On which PHY to listen.
  public var receivePHY: PHY
  /// On which PHY to send.
  public var transmitPHY: PHY
  /// Most octets after the header. A longer packet is one with a bad CRC, and nothing of it past the buffer's end is
  /// written.
  public var maximumLength: UInt8

  /// Frequency of the channel, in MHz above 2400.
  public var frequency: UInt8 {
    switch channel {
    case 37: 2
    case 38: 26
    case 39: 80
    case 0...10: 4 + 2 * channel
    default: 6 + 2 * channel
    }
  }
}

/// A packet in the ``PacketMemory``, by the number of its buffer.
public struct Packet: Sendable, Equatable {
  /// Number of its buffer.
  public var buffer: UInt8
  /// Octets after the header, MIC included.
  public var length: UInt8
  /// The LLID of a packet on a data channel: 1 goes on with an L2CAP PDU, 2 begins one, 3 is control.
  var kind: UInt8 = 0
}

/// What the radio does after a packet.
public enum Turn: Sendable, Equatable {
  /// Writes `header` to the buffer's first octet and sends the packet, T_IFS after the end of the one that came.
  case transmit(Packet, header: UInt8)
  /// Listens for a packet that begins T_IFS after the end of the one that was sent.
  case listen
  /// Switches off. The event is over.
  case close
}
