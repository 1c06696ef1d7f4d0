import BoardRuntime
import Bytes
import Glibc
import LinkProtocol
import VirtualHardware

/// Runs a board on its carriers until the process is told to end: moves bytes, and lets the board work while
/// nothing is to be moved.
final class BoardLoop {
  /// Longest time without a look at the links while the board works.
  private static let workBudget: UInt64 = .milliseconds(2)

  private let serial: SerialPort?
  private let bluetooth: BluetoothPort?
  private var board: BoardRuntime<VirtualBoardHardware>
  private var frame: BoundedBytes
  /// The board's life ends when one of these becomes readable or ends.
  private let lifelines: [Int32]

  init(
    serial: SerialPort?, bluetooth: BluetoothPort?, board: consuming BoardRuntime<VirtualBoardHardware>,
    limits: LinkLimits, lifelines: [Int32]
  ) {
    self.serial = serial
    self.bluetooth = bluetooth
    self.board = board
    self.lifelines = lifelines
    frame = BoundedBytes(capacity: limits.maximumFrame)
    bluetooth?.start(with: &self.board, now: Self.now())
  }

  /// Runs until the board's life is over.
  func run() {
    while true {
      let now = Self.now()
      if let due = board.nextDeadline, due <= now { board.timeOut(now: now) }
      bluetooth?.timeOut(now: now)
      send()
      let isBusy = work()
      send()
      guard wait(isBusy: isBusy) else { return }
    }
  }

  static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Timestamp(microseconds: UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)
  }

  private func work() -> Bool {
    let start = Self.now()
    while true {
      let now = Self.now()
      let isPairing = bluetooth?.work(now: now) ?? false
      guard board.work(now: now) || isPairing else { return false }
      if Self.now() - start >= Self.workBudget { return true }
    }
  }

  // MARK: Output

  private func send() {
    serial?.flush()
    bluetooth?.flush(now: Self.now())
    while let serial, serial.canSend, board.nextFrame(over: .cable, now: Self.now(), into: &frame) {
      serial.send(frame: frame.span)
    }
    while let bluetooth, bluetooth.canSend, board.nextFrame(over: .air, now: Self.now(), into: &frame) {
      bluetooth.send(frame: frame.span, now: Self.now())
    }
  }

  // MARK: Waiting and input

  /// Waits until there is something to do.
  ///
  /// - Returns: false when the board's life is over.
  private func wait(isBusy: Bool) -> Bool {
    let nothing = pollfd(fd: -1, events: 0, revents: 0)
    var descriptors = [serial?.poll ?? nothing, bluetooth?.poll ?? nothing]
    for lifeline in lifelines {
      descriptors.append(pollfd(fd: lifeline, events: Int16(POLLIN), revents: 0))
    }
    poll(&descriptors, nfds_t(descriptors.count), timeout(isBusy: isBusy))
    if descriptors.dropFirst(2).contains(where: { $0.revents != 0 }) { return false }
    let isReadable = descriptors.prefix(2).map { $0.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 }
    if let serial, isReadable[0] || serial.isHungUp, !receive(from: serial) { return false }
    if let bluetooth {
      if isReadable[1], !bluetooth.receive(now: Self.now()) { return false }
      bluetooth.deliver(to: &board, now: Self.now())
    }
    return true
  }

  private func timeout(isBusy: Bool) -> Int32 {
    if isBusy { return 0 }
    if let serial, serial.isHungUp { return SerialPort.hangUpPause }
    guard let due = Timestamp.earliest(board.nextDeadline, bluetooth?.nextDeadline) else { return 1000 }
    return Int32(clamping: (due - Self.now() + 999) / 1000)
  }

  /// - Returns: false when the board's life is over.
  private func receive(from serial: SerialPort) -> Bool {
    let now = Self.now()
    let input = serial.receive { board.receive(frame: $0, over: .cable, now: now) }
    switch input {
    case .nothing: break
    case .hungUp: board.linkLost(over: .cable, now: now)
    case .ended: return false
    }
    return true
  }
}
