/// Registers that no specification describes, and what production drivers write to them against faults of the chip, by
/// number in Nordic's errata sheet. None does harm to silicon that has not got the fault.
enum USBErrata {
  private static var lock: Register { Register(0x4006_ec00) }
  private static var powerUp: Register { Register(0x4006_ec14) }
  private static var enabling: Register { Register(0x4006_ed14) }
  private static var transfer: Register { Register(0x4002_7c1c) }
  private static var internalAddress: Register { Register(0x4002_7800) }
  private static var internalData: Register { Register(0x4002_7804) }

  /// Writes behind the lock. The word toggles the lock, which may be open.
  private static func unlocked(_ write: () -> Void) {
    let wasLocked = lock.value == 0
    if wasLocked { toggleLock() }
    write()
    if wasLocked { toggleLock() }
  }

  private static func toggleLock() { lock.value = 0x9375 }

  /// 171: the peripheral may not power up, out of reset or out of low power.
  static func beginPowerUp() { unlocked { powerUp.value = 0xc0 } }

  /// 171: it has.
  static func endPowerUp() { unlocked { powerUp.value = 0 } }

  /// 187: the peripheral cannot be enabled.
  static func beginEnabling() { unlocked { enabling.value = 3 } }

  /// 187: it is.
  static func endEnabling() { unlocked { enabling.value = 0 } }

  /// 199: tasks are not heard while EasyDMA runs.
  static func beginTransfer() { transfer.value = 0x82 }

  /// 199: it does not run any more.
  static func endTransfer() { transfer.value = 0 }

  /// Takes the packet that an IN endpoint, 1…7, holds for the host out of its buffer.
  static func takeBack(from endpoint: UInt32) {
    internalAddress.value = 0x7b6 + 2 * (endpoint - 1)
    internalData.value |= 1 << 1
  }
}
