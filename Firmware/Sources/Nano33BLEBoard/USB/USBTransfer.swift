import CBoard

/// EasyDMA between memory and the packet buffers of USBD's endpoints. There is one engine for all endpoints, and what
/// else is asked of the peripheral while it runs may be lost: so it is waited for, some four microseconds a packet,
/// and no two transfers are ever under way.
enum USBTransfer {
  /// Looks at a register until a transfer has failed: it takes a fiftieth of that.
  private static var patience: Int { 2000 }

  /// Moves `count` bytes to the buffer of an IN endpoint, which goes at the host's next word.
  ///
  /// - Returns: false if the transfer did not end.
  static func send(_ count: Int, from memory: UnsafeMutablePointer<UInt8>, on endpoint: UInt32) -> Bool {
    USBD.epinPTR(endpoint).value = UInt32(UInt(bitPattern: memory))
    USBD.epinMAXCNT(endpoint).value = UInt32(count)
    return run(USBD.tasksSTARTEPIN(endpoint), until: USBD.eventsENDEPIN(endpoint))
  }

  /// Moves the `count` bytes in the buffer of an OUT endpoint to memory. The endpoint takes the next packet then;
  /// endpoint 0 has to be told.
  ///
  /// - Returns: false if the transfer did not end.
  static func receive(_ count: Int, into memory: UnsafeMutablePointer<UInt8>, on endpoint: UInt32) -> Bool {
    USBD.epoutPTR(endpoint).value = UInt32(UInt(bitPattern: memory))
    USBD.epoutMAXCNT(endpoint).value = UInt32(count)
    return run(USBD.tasksSTARTEPOUT(endpoint), until: USBD.eventsENDEPOUT(endpoint))
  }

  private static func run(_ start: TaskRegister, until end: EventRegister) -> Bool {
    end.forget()
    // What the processor wrote must be in memory before the engine reads it.
    data_barrier()
    USBErrata.beginTransfer()
    start.trigger()
    var patience = Self.patience
    while !end.hasHappened, patience > 0 { patience -= 1 }
    USBErrata.endTransfer()
    let hasEnded = end.take()
    data_barrier()
    return hasEnded
  }
}
