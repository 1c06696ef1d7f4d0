import Bytes

/// One LE credit-based channel (Core specification, Vol 3 Part A §10.1), the peer having asked for it. Frames are its
/// SDUs.
///
/// A credit is given to the peer only for room that is kept for it: at every moment the queue for incoming frames
/// has room for all the segments that the peer may still send.
struct CreditChannel {
  /// This end's number; there is one channel at most.
  static let localID: UInt16 = 0x0040
  /// Least MTU and MPS that a peer may have.
  static let minimumMPS: UInt16 = 23

  enum State: Equatable {
    case closed
    case open
    /// This side has asked for the end and was not answered.
    case closing
  }

  /// What the peer did that ends a channel.
  enum Violation: Equatable {
    case noCredit, segmentTooLong, frameTooLong, frameOverrun, tooManyCredits
  }

  private(set) var state = State.closed
  /// The peer's end.
  private(set) var peerID: UInt16 = 0
  /// Longest frame that the peer takes.
  private(set) var peerMTU = 0
  /// Longest segment that the peer takes.
  private(set) var peerMPS = 0
  /// Segments that may be sent.
  private(set) var credits = 0
  /// Segments that the peer may send.
  private(set) var granted = 0
  /// Longest frame that this side takes.
  let mtu: Int
  /// Longest segment that this side takes, with the length of the frame that stands before the first.
  let mps: Int

  init(mtu: Int, mps: Int) {
    self.mtu = mtu
    self.mps = mps
  }

  /// The peer asked for it and security suffices.
  ///
  /// - Parameter smallestFrame: what the peer must take at least.
  /// - Returns: success after which the channel is open, or why not.
  mutating func open(_ request: ChannelRequest, smallestFrame: Int, free: Int) -> ChannelResult {
    guard ChannelID.dynamic.contains(request.source) else { return .invalidSource }
    guard state == .closed else { return peerID == request.source ? .sourceInUse : .noResources }
    guard Int(request.mtu) >= smallestFrame, request.mps >= Self.minimumMPS, request.mps <= 65533
    else { return .unacceptable }
    state = .open
    peerID = request.source
    peerMTU = Int(request.mtu)
    peerMPS = Int(request.mps)
    credits = Int(request.credits)
    granted = free / mps
    return .success
  }

  /// This side wants it closed, and has asked for it.
  mutating func close() {
    if state == .open { state = .closing }
  }

  /// It is closed on both sides, or the connection is gone.
  mutating func closed() {
    state = .closed
    credits = 0
    granted = 0
  }

  /// The peer gives credits.
  mutating func received(credits count: UInt16) -> Violation? {
    credits += Int(count)
    return credits > 65535 ? .tooManyCredits : nil
  }

  /// A segment came in: the first of a frame has the frame's length before it.
  mutating func received(segment: Span<UInt8>, into queue: inout FrameQueue) -> Violation? {
    guard granted > 0 else { return .noCredit }
    granted -= 1
    guard segment.count <= mps else { return .segmentTooLong }
    if queue.growingLength != nil {
      guard segment.count <= queue.missing else { return .frameOverrun }
      queue.append(segment)
      return nil
    }
    guard let length = segment.littleEndian16(at: 0) else { return .frameOverrun }
    guard Int(length) <= mtu else { return .frameTooLong }
    guard segment.count - 2 <= Int(length) else { return .frameOverrun }
    queue.begin(length: Int(length))
    queue.append(segment.dropping(2))
    return nil
  }

  /// Credits to give to the peer now that the queue has this much room; 0 if it has enough of them.
  func creditsToGive(free: Int) -> UInt16 {
    guard state == .open else { return 0 }
    let possible = free / mps - granted
    // Not one by one, since each giving is a packet on the air; but never none while the peer waits.
    return possible >= 2 || (granted == 0 && possible > 0) ? UInt16(clamping: possible) : 0
  }

  /// Credits go to the peer.
  mutating func gave(_ count: UInt16) { granted += Int(count) }

  /// A segment goes to the peer.
  mutating func sentSegment() { credits -= 1 }
}
