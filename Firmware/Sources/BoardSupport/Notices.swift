import BoardRuntime
import Bytes
public import CBoard
import LinkProtocol

/// What a board tells the gateway's log of itself: the fault that restarted it, bytes that were lost, and the
/// most memory it needed.
struct Notices: ~Copyable {
  /// Uptime after which earlier faults do not count any more.
  private static var provenAfter: UInt64 { .seconds(10) }

  private var text = NoticeText()
  private var isProven = false
  private var bytesLostTold: UInt32 = 0
  private var lossToldAt = Timestamp(microseconds: 0)
  private var stackTold = 0
  private var wasConnected = false
  private var lastPhase = BoardPhase.idle

  mutating func tell<Hardware: BoardHardware & ~Copyable>(
    through runtime: inout BoardRuntime<Hardware>, bytesLost: UInt32, now: Timestamp
  ) {
    if !isProven, now.microseconds >= Self.provenAfter {
      isProven = true
      faults_forget()
    }
    guard runtime.isConnected else { return }
    tellFault(&runtime)
    tellLoss(&runtime, bytesLost, now)
    tellMemory(&runtime)
  }

  private mutating func tellFault<Hardware: BoardHardware & ~Copyable>(
    _ runtime: inout BoardRuntime<Hardware>
  ) {
    var record = FaultRecord()
    guard fault_kept(&record) else { return }
    text.begin()
    text.write(record)
    if runtime.log(.error, text.line) { fault_told() }
  }

  private mutating func tellLoss<Hardware: BoardHardware & ~Copyable>(
    _ runtime: inout BoardRuntime<Hardware>, _ bytesLost: UInt32, _ now: Timestamp
  ) {
    // One line for a burst, not one for each of its bytes.
    guard bytesLost != bytesLostTold, now - lossToldAt >= .seconds(1) else { return }
    text.begin()
    text.write("port overrun, bytes lost: ")
    text.write(decimal: bytesLost &- bytesLostTold)
    if runtime.log(.warning, text.line) {
      bytesLostTold = bytesLost
      lossToldAt = now
    }
  }

  /// After each piece of work that needed more stack than any before it.
  private mutating func tellMemory<Hardware: BoardHardware & ~Copyable>(
    _ runtime: inout BoardRuntime<Hardware>
  ) {
    let phase = runtime.phase
    guard phase != lastPhase || !wasConnected else { return }
    wasConnected = true
    lastPhase = phase
    let stack = stack_peak_bytes()
    guard stack > stackTold else { return }
    text.begin()
    text.write("memory: stack ")
    text.write(decimal: UInt32(stack))
    text.write(" of ")
    text.write(decimal: UInt32(stack_region_bytes()))
    text.write(", heap ")
    text.write(decimal: UInt32(heap_peak_bytes()))
    text.write(", static ")
    text.write(decimal: UInt32(static_bytes()))
    if runtime.log(.debug, text.line) { stackTold = stack }
  }
}

/// A line of at most 64 bytes.
struct NoticeText: TextSink, ~Copyable {
  private var bytes = BoundedBytes(capacity: ShortText.capacity)

  mutating func begin() { bytes.removeAll() }

  mutating func write(_ byte: UInt8) { bytes.append(byte) }

  var line: ShortText { ShortText(bytes.span) }
}

extension TextSink where Self: ~Copyable {
  /// Writes what is known of a fault, in at most 64 bytes.
  public mutating func write(_ record: FaultRecord) {
    if record.exception == 2 {
      write("watchdog")
    } else {
      write("fault ")
      write(hex: record.status)
      write(" at ")
      write(hex: record.address)
    }
    write(" pc ")
    write(hex: record.pc)
    write(" lr ")
    write(hex: record.lr)
  }
}
