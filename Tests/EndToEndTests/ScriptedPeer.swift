import Bytes
import Foundation
import Glibc
import LinkProtocol
import Synchronization

/// A board on a pseudo-terminal that the test plays itself, so that it can do what no board of ours would.
///
/// It holds a session as a board does and does what its script says about everything beyond: a script that
/// does nothing is a board that never takes or sends anything.
final class ScriptedPeer: Sendable {
  /// What a script works with.
  struct Stage: ~Copyable {
    var session: LinkSession
    var objects = PeerObjects()
    /// Frames that are sent as they are, before anything of the session.
    var rawFrames: [[UInt8]] = []
    /// The session's tag, for raw frames.
    var tag: UInt16 = 0
    /// Whether it neither reads nor sends any more.
    var isDead = false
  }

  /// Called with everything that the session led to.
  typealias Script = @Sendable (inout Stage, SessionEvent, Timestamp) -> Void
  /// Changes the bytes of a frame on their way out, the ending zero included. The number counts frames.
  typealias Mangling = @Sendable (inout [UInt8], Int) -> Void

  let terminal: PseudoTerminal
  private let refusesVersion: Bool
  private let isOver = Mutex(false)
  private let ended = DispatchSemaphore(value: 0)

  /// The gateway's end.
  var path: String { terminal.path }

  /// The port as log lines call it.
  var port: String { terminal.port }

  /// - Parameters:
  ///   - id: the identity it claims.
  ///   - window: bytes of a transfer that it takes at once.
  ///   - refusesVersion: whether it answers greetings as a board that speaks version 9 only.
  init(
    id: UInt64, window: Int = 4096, refusesVersion: Bool = false, script: @escaping Script = { _, _, _ in },
    mangling: Mangling? = nil
  ) throws {
    terminal = try PseudoTerminal()
    self.refusesVersion = refusesVersion
    let welcome = Welcome(
      board: id, maximumFrame: 1040, capabilities: [.training], firmware: ShortText("0.0.0"),
      hardware: ShortText("scripted"), boot: 1, examples: 100, maximumParameters: 100_000)
    let limits = LinkLimits(maximumFrame: 1040, window: window)
    Thread.detachNewThread {
      self.play(Stage(session: .board(welcome, limits: limits)), script, mangling)
      self.ended.signal()
    }
  }

  /// Ends it; the thread is gone when this returns.
  func end() {
    isOver.withLock { $0 = true }
    ended.wait()
    ended.signal()
  }

  private func play(_ start: consuming Stage, _ script: Script, _ mangling: Mangling?) {
    var stage = start
    var framing = StreamFraming(maximumFrame: 1040)
    var input = [UInt8](repeating: 0, count: 4096)
    while !isOver.withLock({ $0 }) {
      if stage.isDead {
        usleep(5000)
        continue
      }
      var descriptor = pollfd(fd: terminal.leader, events: Int16(POLLIN), revents: 0)
      poll(&descriptor, 1, 2)
      let count = read(terminal.leader, &input, input.count)
      let now = Self.now()
      if count > 0 {
        var offset = 0
        let bytes = input.span.extracting(0..<count)
        while framing.advance(over: bytes, from: &offset) {
          if let header = try? Frame.parse(framing.frame), header.kind == .greeting {
            stage.tag = header.session
            if refusesVersion {
              stage.refuse(header)
              continue
            }
          }
          let event = stage.session.receive(frame: framing.frame, now: now, objects: &stage.objects)
          script(&stage, event, now)
        }
      } else if count < 0 && errno == EIO {
        // Nobody has the other end open.
        script(&stage, stage.session.abandon(now: now), now)
        usleep(5000)
      }
      if let due = stage.session.nextDeadline, due <= now {
        script(&stage, stage.session.timeOut(now: now), now)
      }
      send(&stage, mangling, now)
    }
  }

  private func send(_ stage: inout Stage, _ mangling: Mangling?, _ now: Timestamp) {
    for frame in stage.rawFrames { write(frame, mangling) }
    stage.rawFrames = []
    var frame = BoundedBytes(capacity: 1040)
    while !stage.isDead, stage.session.nextFrame(now: now, objects: &stage.objects, into: &frame) {
      write(frame.span.copy, mangling)
    }
  }

  private let framesSent = Atomic(0)

  private func write(_ frame: [UInt8], _ mangling: Mangling?) {
    var coded = BoundedBytes(capacity: COBS.maximumEncodedLength(of: frame.count))
    COBS.encode(frame.span, into: &coded)
    var bytes = coded.span.copy
    mangling?(&bytes, framesSent.add(1, ordering: .relaxed).oldValue)
    terminal.write(bytes) { self.isOver.withLock { $0 } }
  }

  static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Timestamp(microseconds: UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)
  }
}
