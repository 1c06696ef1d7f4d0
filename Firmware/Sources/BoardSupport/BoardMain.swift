public import BoardRuntime
import CBoard
import LinkProtocol

/// A board's main loop: moves bytes between carrier and runtime, lets the runtime work while nothing is to be
/// moved, and sleeps when there is nothing to do. The same on every machine.
///
/// A class, so that its few kilobytes lie in the heap and not on the stack.
///
/// After ``init(machine:hardware:configuration:)`` the heap is sealed: whatever asks for memory faults.
public final class BoardMain<Board: Machine & ~Copyable> {
  /// Longest time without a look at the carrier while the board works.
  private static var workBudget: UInt64 { .milliseconds(2) }

  private var machine: Board
  private var runtime: BoardRuntime<Board.Hardware>
  private var input: FrameInput
  private var output: FrameOutput
  private var wasAttached = true
  private var notices = Notices()

  /// Sets the board up and seals the heap.
  public init(
    machine: consuming Board, hardware: consuming Board.Hardware, configuration: BoardConfiguration
  ) {
    self.machine = machine
    runtime = BoardRuntime(hardware: hardware, configuration: configuration)
    let longest = configuration.limits.maximumFrame
    input = FrameInput(maximumFrame: longest)
    output = FrameOutput(maximumFrame: longest)
    heap_seal()
  }

  /// Runs the board for ever.
  public func run() -> Never {
    while true {
      machine.feedWatchdog()
      watchAttachment()
      input.hand(from: &machine, to: &runtime)
      timeOut()
      output.hand(from: &runtime, to: &machine)
      let isBusy = work()
      tellNotices()
      output.hand(from: &runtime, to: &machine)
      if !isBusy { sleep() }
    }
  }

  // Each step is a function of its own, never part of `run`: the stack holds one of them at a time.

  @inline(never)
  private func timeOut() {
    let now = machine.now()
    if let due = runtime.nextDeadline, due <= now { runtime.timeOut(now: now) }
  }

  @inline(never)
  private func tellNotices() {
    notices.tell(through: &runtime, bytesLost: machine.bytesLost, now: machine.now())
  }

  @inline(never)
  private func sleep() {
    machine.sleep(until: runtime.nextDeadline, awaitsRoom: output.isWaiting)
  }

  @inline(never)
  private func watchAttachment() {
    let isAttached = machine.isAttached
    if wasAttached && !isAttached {
      output.forget()
      runtime.linkLost(now: machine.now())
    }
    wasAttached = isAttached
  }

  @inline(never)
  private func work() -> Bool {
    let start = machine.now()
    var now = start
    while runtime.work(now: now) {
      now = machine.now()
      if now - start >= Self.workBudget { return true }
    }
    return false
  }
}
