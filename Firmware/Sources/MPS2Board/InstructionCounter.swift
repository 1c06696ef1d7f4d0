import CBoard

/// Instructions executed, by TIMER0 of the MPS2-AN386 (a CMSDK APB timer of 25 MHz: Arm DDI 0479) under
/// QEMU's `-icount shift=0`; exact to one tick, which is 40 instructions.
public enum InstructionCounter {
  private static var control: UInt32 { 0x4000_0000 }
  private static var value: UInt32 { 0x4000_0004 }
  private static var reload: UInt32 { 0x4000_0008 }
  private static var enable: UInt32 { 1 }
  private static var instructionsPerTick: UInt32 { 40 }

  /// Instructions since the first call, modulo 2³². It counts down from 2³² - 1 ticks, so it lasts for
  /// 107 million instructions before a difference wraps.
  public static var now: UInt32 {
    if register_read(control) & enable == 0 {
      register_write(reload, .max)
      register_write(value, .max)
      register_write(control, enable)
    }
    return (UInt32.max &- register_read(value)) &* instructionsPerTick
  }
}
