import Bytes
import Digests
import LinkSimulation

@testable import LinkProtocol

/// One session without a carrier: a test hands its frames over one by one, and answers its events itself.
final class Side {
  var session: LinkSession
  var objects = MemoryObjects()
  var events: [SessionEvent] = []
  private var frame = BoundedBytes(capacity: 1200)

  init(_ session: consuming LinkSession) {
    self.session = session
  }

  /// The next frame, header to checksum; nil if there is nothing to send.
  func nextFrame(now: Timestamp) -> [UInt8]? {
    guard session.nextFrame(now: now, objects: &objects, into: &frame) else { return nil }
    var bytes: [UInt8] = []
    for i in 0..<frame.count { bytes.append(frame.span[i]) }
    return bytes
  }

  /// All frames that are to be sent now.
  func allFrames(now: Timestamp) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while let frame = nextFrame(now: now) { frames.append(frame) }
    return frames
  }

  func receive(_ frames: [[UInt8]], now: Timestamp) {
    for frame in frames { receive(frame, now: now) }
  }

  func receive(_ frame: [UInt8], now: Timestamp) {
    note(session.receive(frame: frame.span, now: now, objects: &objects))
  }

  func timeOut(now: Timestamp) {
    note(session.timeOut(now: now))
  }

  private func note(_ event: SessionEvent) {
    if event != .nothing { events.append(event) }
  }
}

/// A gateway and a board that are in session, with nothing under way.
struct DirectPair {
  let gateway: Side
  let board: Side
  var now = Timestamp(microseconds: 1_000_000)

  static let limits = LinkLimits(maximumFrame: 320, window: 4096)

  /// - Parameter sequence: the frame number that the gateway begins with.
  init(limits: LinkLimits = DirectPair.limits, sequence: UInt16 = 0) {
    gateway = Side(.gateway(SimulatedLink.greeting, limits: limits, now: now))
    board = Side(.board(SimulatedLink.welcome(), limits: limits))
    gateway.session.sequence = sequence
    settle()
  }

  /// Exchanges frames until both have nothing to say.
  func settle() {
    var quiet = false
    while !quiet {
      let down = gateway.allFrames(now: now)
      let up = board.allFrames(now: now)
      board.receive(down, now: now)
      gateway.receive(up, now: now)
      quiet = down.isEmpty && up.isEmpty
    }
  }
}
