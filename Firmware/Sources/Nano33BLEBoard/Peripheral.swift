import CBoard

/// A peripheral of the nRF52840: registers behind a base address. A *task* register starts something when 1 is
/// written, an *event* register becomes 1 when something has happened (nRF52840 Product Specification, "Peripheral
/// interface"). Offsets are those of the chapter on each peripheral.
struct Peripheral {
  let base: UInt32

  func read(_ offset: UInt32) -> UInt32 { register_read(base + offset) }

  func write(_ offset: UInt32, _ value: UInt32) { register_write(base + offset, value) }

  func trigger(_ task: UInt32) { write(task, 1) }

  func hasHappened(_ event: UInt32) -> Bool { read(event) != 0 }

  /// Forgets an event. Read back, as otherwise an interrupt handler may end before the interrupt's line is down,
  /// and be entered again.
  func forget(_ event: UInt32) {
    write(event, 0)
    _ = read(event)
  }

  /// Forgets an event; whether it had happened.
  func take(_ event: UInt32) -> Bool {
    guard hasHappened(event) else { return false }
    forget(event)
    return true
  }
}
