/// SplitMix64 (Steele, Lea & Flood 2014): a seed gives the same choices in every release of every library,
/// which the standard library's shuffling does not promise.
struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// Uniform in 0 ..< bound (bound > 0), by rejecting the tail that would favour small values.
  mutating func next(below bound: Int) -> Int {
    let bound = UInt64(bound)
    let tail = UInt64.max % bound
    while true {
      let value = next()
      if tail == bound - 1 || value < UInt64.max - tail { return Int(value % bound) }
    }
  }

  /// Uniform in the open interval 0…1, 53 bits.
  mutating func nextUnit() -> Double {
    (Double(next() >> 11) + 0.5) / 0x1p53
  }

  /// Fisher–Yates.
  mutating func shuffle<Element>(_ items: inout [Element]) {
    for i in stride(from: items.count - 1, to: 0, by: -1) { items.swapAt(i, next(below: i + 1)) }
  }
}
