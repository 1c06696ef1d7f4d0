/// Sees to it that the radio neither sends nor hears anything that no interrupt has prepared.
///
/// After a packet the radio turns round by itself, which is what makes the space between two packets exact, and in 140 µs
/// would begin to send whatever it was pointed at. The processor may come too late: it stands still for milliseconds while
/// a page of flash is erased. So DISABLED starts TIMER2, which the interrupt stops when it has prepared everything. Where
/// it does not, TIMER2 takes the radio down before it is ready, and goes on doing so as often as that turns round again.
enum RadioGuard {
  /// Shorter than the ramp-up.
  private static var patience: UInt32 { 120 }
  private static var starting: UInt32 { 0 }
  private static var striking: UInt32 { 1 }

  static func setUp() {
    TIMER2.setToMicroseconds()
    TIMER2.cc(0).value = patience
    PPI.chEEP(starting).value = RADIO.eventsDISABLED.address
    PPI.chTEP(starting).value = TIMER2.tasksCLEAR.address
    PPI.forkTEP(starting).value = TIMER2.tasksSTART.address
    PPI.chEEP(striking).value = TIMER2.eventsCOMPARE(0).address
    PPI.chTEP(striking).value = RADIO.tasksDISABLE.address
    PPI.forkTEP(striking).value = 0
    PPI.chenset.value = 1 << starting | 1 << striking
  }

  /// Everything is prepared.
  ///
  /// - Returns: false if it was too late, and the radio has been taken down.
  static func callOff() -> Bool {
    TIMER2.tasksSTOP.trigger()
    return !TIMER2.eventsCOMPARE(0).take()
  }
}
