import BLELinkLayer

/// The radio's clock: TIMER0, which counts microseconds of the crystal's oscillation and never stands still. The wired
/// channels of the PPI have it start and stop the radio, and note when packets came.
enum RadioTimer {
  /// Switches the radio on, to send or to listen.
  static var opening: Register { TIMER0.cc(0) }
  /// Switches the radio off while it listens; when an address was heard it notes when that was, and so switches nothing
  /// off any more.
  static var closing: Register { TIMER0.cc(1) }
  /// When the last packet's end was seen.
  static var packetEnd: RadioTime { RadioTime(microseconds: TIMER0.cc(2).value) }
  /// When the last packet's address was.
  static var address: RadioTime { RadioTime(microseconds: TIMER0.cc(1).value) }

  static func start() {
    TIMER0.setToMicroseconds()
    TIMER0.tasksSTART.trigger()
    PPI.chenset.value = PPI.Wired.endTimer0CAPTURE2
  }

  /// Interrupts may ask while others do: what is read is then a little newer.
  static var now: RadioTime {
    TIMER0.tasksCAPTURE(3).trigger()
    return RadioTime(microseconds: TIMER0.cc(3).value)
  }
}
