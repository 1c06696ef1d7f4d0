/// How bits become waves (Core specification, Vol 6 Part A §3), and how long packets take (Part B §2).
public enum PHY: UInt8, Sendable {
  /// LE 1M: 1 µs a bit, a preamble of one octet.
  case oneMegabit = 1
  /// LE 2M: half a microsecond a bit, a preamble of two octets.
  case twoMegabit = 2

  /// The PHY of a bit; nil for anything but the one bit of a PHY that is there.
  init?(bit: UInt8) {
    guard let phy = PHY(rawValue: bit) else { return nil }
    self = phy
  }

  /// Time on air of a packet, preamble and CRC included, in µs.
  ///
  /// - Parameter length: octets after the header, MIC included: 0…255.
  @inline(__always)
  public func duration(length: UInt8) -> UInt32 {
    switch self {
    // Preamble 1, access address 4, header 2, CRC 3.
    case .oneMegabit: (UInt32(length) &+ 10) &* 8
    case .twoMegabit: (UInt32(length) &+ 11) &* 4
    }
  }

  /// Octets of payload, without MIC, that fit into `time` µs together with everything around them; 27 at least.
  func octets(in time: UInt16) -> UInt16 {
    let octets: UInt16 =
      switch self {
      // The MIC counts, whether there is one or not (Vol 6 Part B §4.5.10).
      case .oneMegabit: time / 8
      case .twoMegabit: time / 4 &- 1
      }
    return octets < 27 + 14 ? 27 : octets &- 14
  }
}
