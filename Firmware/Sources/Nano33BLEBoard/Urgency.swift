/// Which interrupts interrupt which.
enum Urgency {
  /// The radio has 120 µs to prepare an answer.
  static var radio: UInt32 { 0 }
  /// The link layer plans the next event some hundreds of microseconds before it begins.
  static var linkLayer: UInt32 { 1 }
  /// USB's hosts wait for milliseconds.
  static var others: UInt32 { 2 }
}
