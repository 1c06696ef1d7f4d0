import Bytes

/// Frames cut to what one write or one notification carries, and put together again (Protocols/gatt.md §5).
///
/// Each fragment has one octet of header: bit 7 says that a frame begins, the others count the fragments of this
/// direction modulo 128. Where a frame begins its length follows in two octets. A fragment that is missing costs the
/// frame that it belongs to and nothing else.
enum GATTFragment {
  static let firstBit: UInt8 = 0x80
  static let counterMask: UInt8 = 0x7f
  /// Octets before the data of a fragment that begins a frame, and of one that goes on.
  static let firstHeaderLength = 3
  static let headerLength = 1
}

/// What arrived of the fragments of one direction.
struct FragmentReceiver {
  /// The counter of the fragment that has to come next; nil while no frame is begun.
  private var expected: UInt8?

  /// Frames of which something was missing, or for which there was no room.
  private(set) var lost: UInt32 = 0

  /// Forgets everything: a new carrier.
  mutating func reset(_ queue: inout FrameQueue) {
    expected = nil
    queue.dropGrowing()
  }

  /// Takes one fragment. The frame, when it is whole, waits in the queue.
  mutating func receive(_ fragment: Span<UInt8>, maximumFrame: Int, into queue: inout FrameQueue) {
    guard fragment.count > 0 else { return }
    let counter = fragment[0] & GATTFragment.counterMask
    if fragment[0] & GATTFragment.firstBit != 0 {
      drop(&queue)
      guard let length = fragment.littleEndian16(at: 1), Int(length) <= maximumFrame,
        fragment.count - GATTFragment.firstHeaderLength <= Int(length), Int(length) + 2 <= queue.free
      else {
        lost &+= 1
        return
      }
      queue.begin(length: Int(length))
      queue.append(fragment.dropping(GATTFragment.firstHeaderLength))
    } else {
      // What belongs to a frame that is given up is passed over until one begins.
      guard let expected else { return }
      let data = fragment.dropping(GATTFragment.headerLength)
      guard counter == expected, data.count <= queue.missing else { return drop(&queue) }
      queue.append(data)
    }
    expected = queue.growingLength == nil ? nil : (counter &+ 1) & GATTFragment.counterMask
  }

  private mutating func drop(_ queue: inout FrameQueue) {
    if expected != nil { lost &+= 1 }
    expected = nil
    queue.dropGrowing()
  }
}

/// Cuts the frames of one direction.
struct FragmentSender {
  private var counter: UInt8 = 0

  /// The header of the next fragment.
  ///
  /// - Returns: the octets before the data, and how much of the frame goes with them.
  mutating func next(
    of length: Int, from offset: Int, limit: Int
  ) -> (header: InlineArray<3, UInt8>, headerLength: Int, dataLength: Int) {
    let isFirst = offset == 0
    let headerLength = isFirst ? GATTFragment.firstHeaderLength : GATTFragment.headerLength
    let header: InlineArray<3, UInt8> = [
      isFirst ? counter | GATTFragment.firstBit : counter, UInt8(truncatingIfNeeded: length),
      UInt8(truncatingIfNeeded: length >> 8),
    ]
    counter = (counter &+ 1) & GATTFragment.counterMask
    return (header, headerLength, min(limit - headerLength, length - offset))
  }
}
