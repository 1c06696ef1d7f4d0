import BoardSupport
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
  ///
  /// Each call writes once to a word that nothing reads: Firmware/CycleModel notes its estimate then.
  public static var now: UInt32 {
    if register_read(control) & enable == 0 {
      register_write(reload, .max)
      register_write(value, .max)
      register_write(control, enable)
    }
    register_write(ExternalMemory.cycleMark, 0)
    return (UInt32.max &- register_read(value)) &* instructionsPerTick
  }

  /// Prints what Scripts/bench-embedded reads: `bench NAME WHOSE INSTRUCTIONS UNITS`.
  ///
  /// - Parameters:
  ///   - name: what was measured.
  ///   - whose: which implementation of it.
  ///   - start: ``now`` from before; not called between then and here.
  ///   - units: how often it was done.
  public static func report(
    _ name: StaticString, _ whose: StaticString, since start: UInt32, units: UInt32
  ) {
    let instructions = now &- start
    print("bench", name, whose, instructions)
    var console = Console()
    console.write(" ")
    console.write(decimal: units)
    console.write("\n")
  }

  /// Prints a value that shows whether implementations agree: `check NAME WHAT VALUE`.
  public static func check(_ name: StaticString, _ what: StaticString, _ value: UInt32) {
    print("check", name, what, value)
    var console = Console()
    console.write("\n")
  }

  private static func print(
    _ kind: StaticString, _ name: StaticString, _ what: StaticString, _ value: UInt32
  ) {
    var console = Console()
    console.write(kind)
    console.write(" ")
    console.write(name)
    console.write(" ")
    console.write(what)
    console.write(" ")
    console.write(decimal: value)
  }
}
