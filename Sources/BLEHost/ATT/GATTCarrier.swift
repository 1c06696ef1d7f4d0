public import Bytes

/// Both directions of the GATT carrier, for the side that writes and is notified: a gateway. (``BLEHost`` has the
/// other side inside.)
///
/// Allocates nothing after `init`.
public struct GATTCarrier: ~Copyable {
  private let maximumFrame: Int
  private var inbox: FrameQueue
  private var receiver = FragmentReceiver()
  private var sender = FragmentSender()
  private var outgoing: BoundedBytes
  private var sent = 0

  /// - Parameter maximumFrame: the longest frame taken and sent, 1…65535 octets.
  public init(maximumFrame: Int) {
    self.maximumFrame = maximumFrame
    inbox = FrameQueue(capacity: 2 * (maximumFrame + 2))
    outgoing = BoundedBytes(capacity: maximumFrame)
  }

  /// Frames that came in incomplete, or for which there was no room.
  public var lostFrames: UInt32 { receiver.lost }

  /// Takes the value of a notification, whatever it is; then ask ``takeFrame(into:)``.
  public mutating func receive(fragment: Span<UInt8>) {
    receiver.receive(fragment, maximumFrame: maximumFrame, into: &inbox)
  }

  /// Takes out the oldest frame that is whole; false if there is none.
  public mutating func takeFrame(into frame: inout BoundedBytes) -> Bool { inbox.takeFrame(into: &frame) }

  /// Whether the frame handed in before has been cut to its end.
  public var canSend: Bool { outgoing.isEmpty }

  /// Hands in a frame to be cut; one that is empty or too long, or that comes before ``canSend``, is dropped.
  public mutating func send(frame: Span<UInt8>) {
    if canSend, frame.count <= maximumFrame { outgoing.append(contentsOf: frame) }
  }

  /// Writes the next value to be written.
  ///
  /// - Parameter limit: the longest value, the ATT MTU less 3; at least 20.
  /// - Returns: false if no frame waits.
  public mutating func nextFragment(limit: Int, into fragment: inout BoundedBytes) -> Bool {
    fragment.removeAll()
    guard !outgoing.isEmpty else { return false }
    let next = sender.next(of: outgoing.count, from: sent, limit: max(limit, 20))
    for i in 0..<next.headerLength { fragment.append(next.header[i]) }
    fragment.append(contentsOf: outgoing.span.extracting(sent..<sent + next.dataLength))
    sent += next.dataLength
    if sent == outgoing.count {
      outgoing.removeAll()
      sent = 0
    }
    return true
  }
}
