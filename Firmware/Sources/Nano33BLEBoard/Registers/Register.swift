import CBoard

// The nRF52840's registers as the Product Specification names them: a peripheral is an enum, its registers bear the
// datasheet's names in the manner of Swift (EVENTS_EPDATA is `USBD.eventsEPDATA`), and a field is a constant of the
// register's enum of fields. Only what is used is here.

/// A register that holds a value. Every access is volatile.
struct Register {
  private let address: UInt32

  init(_ address: UInt32) { self.address = address }

  var value: UInt32 {
    get { register_read(address) }
    nonmutating set { register_write(address, newValue) }
  }
}

/// A register that starts something when 1 is written.
struct TaskRegister {
  let address: UInt32

  init(_ address: UInt32) { self.address = address }

  func trigger() { register_write(address, 1) }
}

/// A register that becomes 1 when something has happened.
struct EventRegister {
  let address: UInt32

  init(_ address: UInt32) { self.address = address }

  var hasHappened: Bool { register_read(address) != 0 }

  /// Forgets the event. Read back, as otherwise an interrupt handler may end before the interrupt's line is down, and
  /// be entered again.
  func forget() {
    register_write(address, 0)
    _ = register_read(address)
  }

  /// Forgets the event; whether it had happened.
  func take() -> Bool {
    guard hasHappened else { return false }
    forget()
    return true
  }
}
