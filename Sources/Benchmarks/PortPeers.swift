import Bytes
import CLinux
import Digests
import Foundation
import Glibc
import LinkProtocol
import SerialDevices
import Synchronization

/// The other end of a pseudo-terminal, in a thread of its own.
class PortPeer: @unchecked Sendable {
  /// What the other side opens.
  let port: String
  fileprivate let leader: Int32
  fileprivate let isOver = Atomic(false)
  private let ended = DispatchSemaphore(value: 0)
  /// When the last byte of the latest object came in, in µs, and word of it.
  private let completed = Atomic<UInt64>(0)
  private let word = DispatchSemaphore(value: 0)

  init() throws {
    var name = [CChar](repeating: 0, count: 64)
    leader = clinux_open_pseudo_terminal(&name, name.count)
    port = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard leader >= 0 else { throw BenchError.noAnswer("pseudo-terminal") }
  }

  fileprivate func run() {}

  /// Lets the thread run.
  func start() {
    Thread.detachNewThread { [self] in
      run()
      ended.signal()
    }
  }

  /// Runs in the calling thread until the process ends.
  func serve() { run() }

  /// Ends the thread.
  func end() {
    isOver.store(true, ordering: .relaxed)
    ended.wait()
  }

  /// When the last byte of the latest object came in, in µs; waits for it.
  func takeCompletion() -> UInt64 {
    word.wait()
    return completed.load(ordering: .acquiring)
  }

  fileprivate func complete(_ now: Timestamp) {
    completed.store(now.microseconds, ordering: .releasing)
    word.signal()
  }
}

/// A peer that reads, and nothing else: what the carrier itself moves.
final class BarePeer: PortPeer, @unchecked Sendable {
  private let expected = Atomic(0)
  /// Whether it says one byte when an object is complete.
  var saysWhenComplete = false

  /// The next object has this many bytes.
  func expect(_ count: Int) { expected.store(count, ordering: .releasing) }

  override fileprivate func run() {
    var input = [UInt8](repeating: 0, count: PortEnd.readSize)
    var received = 0
    while !isOver.load(ordering: .relaxed) {
      var poll = pollfd(fd: leader, events: Int16(POLLIN), revents: 0)
      Glibc.poll(&poll, 1, 20)
      let count = poll.revents & Int16(POLLIN) != 0 ? read(leader, &input, input.count) : 0
      guard count > 0 else {
        // Nobody has it open: poll(2) would say so over and over.
        if poll.revents & Int16(POLLHUP) != 0 { usleep(5000) }
        continue
      }
      received += count
      if received >= expected.load(ordering: .acquiring) {
        received = 0
        if saysWhenComplete { _ = write(leader, [1], 1) }
        complete(PortEnd.now())
      }
    }
    close(leader)
  }
}

/// A board's side of the protocol that takes every object, verifies it and confirms.
final class SessionPeer: PortPeer, @unchecked Sendable {
  private let window: Int

  /// - Parameter window: bytes of an object that it credits.
  init(window: Int) throws {
    self.window = window
    try super.init()
  }

  override fileprivate func run() {
    let welcome = Welcome(
      board: 1, maximumFrame: 1040, capabilities: [.training], firmware: ShortText("1"),
      hardware: ShortText("bench"), boot: 7, examples: 1, maximumParameters: 1 << 20)
    let end = PortEnd(
      descriptor: leader,
      session: .board(welcome, limits: LinkLimits(maximumFrame: 1040, window: window)), maximumFrame: 1040)
    while !isOver.load(ordering: .relaxed) {
      end.turn(patience: 20) { event in
        let now = PortEnd.now()
        switch event {
        case .offered(let transfer, let offer):
          end.objects.incoming = [UInt8](repeating: 0, count: Int(offer.name.length))
          _ = end.session.accept(transfer, offer, held: 0, now: now)
        case .received(let transfer, let offer):
          complete(now)
          let object = end.objects.incoming
          if SHA256.hash(of: object.span) == offer.name.digest {
            end.session.confirm(transfer)
          } else {
            end.session.reject(transfer, because: .wrongDigest)
          }
        default: break
        }
      }
    }
  }
}
