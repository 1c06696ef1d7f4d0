/// The adaptive bit models of a code, each a number of its own; before coding, the encoder also counts in them.
///
/// A model holds two estimates of the probability of a 1, of 16 bits each: one that follows the last sixteen or
/// so bits (high half of the word), and one that follows the last hundred. Their mean is what codes the next
/// bit: the first is at home in a row whose values are unlike those of the row before, the second where
/// nothing changes.
struct Contexts {
  static let capacity = 290
  private static let one: UInt32 = 0xffff
  private static let fastShift: UInt32 = 4
  private static let slowShift: UInt32 = 7

  private(set) var words = InlineArray<290, UInt32>(repeating: 0)

  /// Makes the models of `places` expect a 1 with this probability, in 65536ths, 256…65280.
  mutating func expect(_ probability: UInt32, in places: Range<Int>) {
    for i in places { words[i] = probability << 16 | probability }
  }

  /// The probability of a 1 in 4096ths, always 4…4091: neither estimate ever comes closer to 0 or 1 than
  /// its shift lets it.
  func probability(_ place: Int) -> UInt32 {
    let word = words[place]
    return (word >> 16 &+ word & 0xffff) >> 5
  }

  /// Learns that the bit was this.
  mutating func learn(_ place: Int, _ bit: Bool) {
    var fast = words[place] >> 16
    var slow = words[place] & 0xffff
    if bit {
      fast &+= (Self.one &- fast) >> Self.fastShift
      slow &+= (Self.one &- slow) >> Self.slowShift
    } else {
      fast &-= fast >> Self.fastShift
      slow &-= slow >> Self.slowShift
    }
    words[place] = fast << 16 | slow
  }

  // MARK: Counters

  mutating func clear() {
    for i in 0..<Self.capacity { words[i] = 0 }
  }

  mutating func count(_ place: Int) { words[place] &+= 1 }
}
