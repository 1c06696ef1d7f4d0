import BoardRuntime
import Bytes
import Glibc
import LinkProtocol
import VirtualHardware

/// Runs a board on its link until the process is told to end: moves bytes, and lets the board work while
/// nothing is to be moved.
final class BoardLoop {
  /// Longest time without a look at the link while the board works.
  private static let workBudget: UInt64 = .milliseconds(2)
  /// How often a pseudo-terminal that nobody has open is looked at, in ms: the kernel reports the hang-up
  /// over and over and does not report its end.
  private static let hangUpPause: Int32 = 20

  private let link: BoardLink
  private var board: BoardRuntime<VirtualBoardHardware>
  private var framing: StreamFraming
  private var frame: BoundedBytes
  private var output: BoundedBytes
  private var outputSent = 0
  private var isHungUp = false
  /// The board's life ends when one of these becomes readable or ends.
  private let lifelines: [Int32]

  init(
    link: consuming BoardLink, board: consuming BoardRuntime<VirtualBoardHardware>, limits: LinkLimits,
    lifelines: [Int32]
  ) {
    self.link = link
    self.board = board
    self.lifelines = lifelines
    framing = StreamFraming(maximumFrame: limits.maximumFrame)
    frame = BoundedBytes(capacity: limits.maximumFrame)
    output = BoundedBytes(capacity: COBS.maximumEncodedLength(of: limits.maximumFrame))
  }

  /// Runs until the board's life is over.
  func run() {
    while true {
      let now = Self.now()
      if let due = board.nextDeadline, due <= now { board.timeOut(now: now) }
      send()
      let isBusy = work()
      send()
      guard wait(isBusy: isBusy) else { return }
    }
  }

  private static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Timestamp(microseconds: UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)
  }

  private func work() -> Bool {
    let start = Self.now()
    while board.work(now: Self.now()) {
      if Self.now() - start >= Self.workBudget { return true }
    }
    return false
  }

  // MARK: Output

  private func send() {
    while true {
      if outputSent == output.count {
        guard !isHungUp, board.nextFrame(now: Self.now(), into: &frame) else { return }
        output.removeAll()
        outputSent = 0
        COBS.encode(frame.span, into: &output)
      }
      let sent = Self.write(output.span, from: outputSent, to: link.descriptor)
      guard sent > 0 else { return }
      outputSent += sent
    }
  }

  private static func write(_ bytes: Span<UInt8>, from offset: Int, to descriptor: Int32) -> Int {
    bytes.withUnsafeBytes { bytes in
      Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
    }
  }

  // MARK: Waiting and input

  /// Waits until there is something to do.
  ///
  /// - Returns: false when the board's life is over.
  private func wait(isBusy: Bool) -> Bool {
    var events = POLLIN
    if outputSent < output.count { events |= POLLOUT }
    var descriptors = [pollfd(fd: isHungUp ? -1 : link.descriptor, events: Int16(events), revents: 0)]
    for lifeline in lifelines {
      descriptors.append(pollfd(fd: lifeline, events: Int16(POLLIN), revents: 0))
    }
    poll(&descriptors, nfds_t(descriptors.count), timeout(isBusy: isBusy))
    if descriptors.dropFirst().contains(where: { $0.revents != 0 }) { return false }
    if isHungUp || descriptors[0].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 { return receive() }
    return true
  }

  private func timeout(isBusy: Bool) -> Int32 {
    if isBusy { return 0 }
    if isHungUp { return Self.hangUpPause }
    guard let due = board.nextDeadline else { return 1000 }
    return Int32(clamping: (due - Self.now() + 999) / 1000)
  }

  private func receive() -> Bool {
    var input = [UInt8](repeating: 0, count: 4096)
    let count = read(link.descriptor, &input, input.count)
    guard count > 0 else {
      let wouldBlock = count < 0 && (errno == EAGAIN || errno == EINTR)
      guard !wouldBlock else {
        // Somebody has opened the other end again, and said nothing yet.
        isHungUp = false
        return true
      }
      return hangUp()
    }
    isHungUp = false
    let now = Self.now()
    var offset = 0
    let received = input.span.extracting(0..<count)
    while framing.advance(over: received, from: &offset) {
      board.receive(frame: framing.frame, now: now)
    }
    return true
  }

  private func hangUp() -> Bool {
    guard link.outlivesPeer else { return false }
    if !isHungUp {
      isHungUp = true
      output.removeAll()
      outputSent = 0
      board.linkLost(now: Self.now())
    }
    return true
  }
}
