/// The chip's random number generator, with its correction of bias.
struct RandomSource {
  private static var generator: Peripheral { Peripheral(base: 0x4000_d000) }

  private enum Register {
    static var start: UInt32 { 0x000 }
    static var stop: UInt32 { 0x004 }
    static var ready: UInt32 { 0x100 }
    static var configuration: UInt32 { 0x504 }
    static var value: UInt32 { 0x508 }
  }
  private static var correctsBias: UInt32 { 1 }

  /// Takes about half a millisecond.
  static func word() -> UInt32 {
    generator.write(Register.configuration, correctsBias)
    generator.trigger(Register.start)
    var word: UInt32 = 0
    for _ in 0..<4 {
      while !generator.take(Register.ready) {}
      word = word << 8 | generator.read(Register.value) & 0xff
    }
    generator.trigger(Register.stop)
    return word
  }
}
