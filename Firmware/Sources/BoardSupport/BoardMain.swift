public import BoardRuntime
import CBoard
import LinkProtocol

/// A board's main loop: moves bytes between carriers and runtime, lets the runtime work while nothing is to be
/// moved, and sleeps when there is nothing to do. The same on every machine.
///
/// A class, so that its few kilobytes lie in the heap and not on the stack.
///
/// After ``init(machine:hardware:air:configuration:)`` the heap is sealed: whatever asks for memory faults.
public final class BoardMain<Board: Machine & ~Copyable, Air: AirCarrier & ~Copyable> {
  /// Longest time without a look at the carrier while the board works.
  private static var workBudget: UInt64 { .milliseconds(2) }

  private var machine: Board
  private var runtime: BoardRuntime<Board.Hardware>
  private var input: FrameInput
  private var output: FrameOutput
  private var air: Air
  private var wasAttached = true
  private var notices = Notices()

  /// Sets the board up and seals the heap.
  public init(
    machine: consuming Board, hardware: consuming Board.Hardware, air: consuming Air,
    configuration: BoardConfiguration
  ) {
    self.machine = machine
    runtime = BoardRuntime(hardware: hardware, configuration: configuration)
    let longest = configuration.limits.maximumFrame
    input = FrameInput(maximumFrame: longest)
    output = FrameOutput(maximumFrame: longest)
    self.air = air
    self.air.start(with: &runtime, now: self.machine.now())
    heap_seal()
  }

  /// Runs the board for ever.
  public func run() -> Never {
    while true {
      machine.feedWatchdog()
      watchAttachment()
      input.hand(from: &machine, to: &runtime)
      air.receive(for: &runtime, now: machine.now())
      timeOut()
      send()
      let isBusy = work()
      tellNotices()
      send()
      machine.show(runtime.isConnected ? .joined : wasAttached ? .joining : .away)
      if !isBusy { sleep() }
    }
  }

  // Each step is a function of its own, never part of `run`: the stack holds one of them at a time.

  @inline(never)
  private func timeOut() {
    let now = machine.now()
    if let due = runtime.nextDeadline, due <= now { runtime.timeOut(now: now) }
    air.timeOut(now: now)
  }

  private func send() {
    output.hand(from: &runtime, to: &machine)
    air.send(from: &runtime, now: machine.now())
  }

  @inline(never)
  private func tellNotices() {
    notices.tell(through: &runtime, bytesLost: machine.bytesLost, now: machine.now())
  }

  @inline(never)
  private func sleep() {
    var room: AwaitedRoom = []
    if output.isWaiting { room.insert(.carrier) }
    if air.isWaiting { room.insert(.controller) }
    machine.sleep(until: .earliest(runtime.nextDeadline, air.nextDeadline), awaiting: room)
  }

  @inline(never)
  private func watchAttachment() {
    let isAttached = machine.isAttached
    if wasAttached && !isAttached {
      output.forget()
      runtime.linkLost(over: .cable, now: machine.now())
    }
    wasAttached = isAttached
  }

  @inline(never)
  private func work() -> Bool {
    let start = machine.now()
    var now = start
    while true {
      // Each in its turn, so that neither training nor pairing waits for the other.
      let isPairing = air.work(now: now)
      guard runtime.work(now: now) || isPairing else { return false }
      now = machine.now()
      if now - start >= Self.workBudget { return true }
    }
  }
}
