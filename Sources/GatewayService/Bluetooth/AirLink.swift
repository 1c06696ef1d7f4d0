import BLEHost
import BluetoothPolicy
import Bytes
import Gateway
import LinkProtocol
import NIOCore
import Rounds

/// A board's link over the air in use: its channel, and frames as L2CAP or GATT carries them (Protocols/gatt.md §4, §5).
///
/// What is written travels as one datagram each. A channel may put what waits together into one call of the system, which
/// would make one datagram of many; so it is given one at a time.
final class AirLink: OpenLink {
  let place: RadioPlace
  let board: BoardID
  let channel: any Channel
  /// Called when a datagram that had to wait is on its way.
  private let writable: () -> Void
  private let isGATT: Bool
  /// The longest datagram that the board takes.
  private let limit: Int
  /// Cuts frames and puts them together; of use with GATT only.
  private var fragments: GATTCarrier
  private var datagram: BoundedBytes
  private var frame: BoundedBytes
  private var isWriting = false
  private var lostFrames: UInt32 = 0
  var refusal: LinkRefusal?
  var reason: String?
  var hasServed = false

  /// - Parameter sendMTU: the longest datagram that the board takes.
  init(
    place: RadioPlace, board: BoardID, channel: any Channel, bearer: BluetoothCarrier.Bearer, sendMTU: Int,
    limits: LinkLimits, writable: @escaping () -> Void
  ) {
    self.place = place
    self.board = board
    self.channel = channel
    self.writable = writable
    isGATT = bearer == .gatt
    limit = sendMTU
    fragments = GATTCarrier(maximumFrame: limits.maximumFrame)
    datagram = BoundedBytes(capacity: limits.maximumFrame)
    frame = BoundedBytes(capacity: limits.maximumFrame)
  }

  /// How the link ends, for when it is tried again.
  var ending: RadioEnding {
    switch refusal {
    case nil, .boardMoved, .betterCarrier: hasServed ? .served : .unanswered
    case .notNoted: .unanswered
    case .noCommonVersion, .identityTaken, .foreignIdentity, .garbage: .refused
    }
  }

  /// Calls `body` with every frame that a datagram completes.
  func frames(in buffer: ByteBuffer, _ body: (Span<UInt8>) -> Void) {
    let datagram = Array(buffer.readableBytesView)
    guard isGATT else { return body(datagram.span) }
    fragments.receive(fragment: datagram.span)
    while fragments.takeFrame(into: &frame) { body(frame.span) }
  }

  /// What was lost on the way and not reported yet.
  func takeDamage() -> String? {
    guard isGATT, fragments.lostFrames != lostFrames else { return nil }
    lostFrames = fragments.lostFrames
    return "a frame arrived in part; it counts as lost and is sent again"
  }

  func send(_ next: (inout BoundedBytes) -> Bool) {
    while !isWriting, writeNext(next) {}
  }

  private func writeNext(_ next: (inout BoundedBytes) -> Bool) -> Bool {
    datagram.removeAll()
    if isGATT {
      if fragments.canSend, next(&frame) { fragments.send(frame: frame.span) }
      guard fragments.nextFragment(limit: limit, into: &datagram) else { return false }
    } else {
      guard next(&datagram) else { return false }
      // The board said how long a frame may be, and the session keeps to it; a frame that is longer is lost.
      if datagram.count > limit { return true }
    }
    var buffer = channel.allocator.buffer(capacity: datagram.count)
    for i in 0..<datagram.count { buffer.writeInteger(datagram.span[i]) }
    isWriting = true
    let written = channel.eventLoop.makePromise(of: Void.self)
    let link = NIOLoopBound(self, eventLoop: channel.eventLoop)
    let isImmediate = NIOLoopBoundBox(true, eventLoop: channel.eventLoop)
    written.futureResult.whenComplete { _ in
      link.value.isWriting = false
      if !isImmediate.value { link.value.writable() }
    }
    channel.writeAndFlush(buffer, promise: written)
    isImmediate.value = false
    return true
  }
}
