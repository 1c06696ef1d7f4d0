/// The chip's random number generator, with its correction of bias.
enum RandomSource {
  /// Takes about half a millisecond.
  static func word() -> UInt32 {
    RNG.config.value = RNG.dercen
    RNG.tasksSTART.trigger()
    var word: UInt32 = 0
    for _ in 0..<4 {
      while !RNG.eventsVALRDY.take() {}
      word = word << 8 | RNG.value.value & 0xff
    }
    RNG.tasksSTOP.trigger()
    return word
  }
}
