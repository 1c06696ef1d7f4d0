/// An event for the host that is being written: H4 type, code, length, parameters.
struct EventWriter {
  static let capacity = 72
  private(set) var octets = InlineArray<72, UInt8>(repeating: 0)
  private(set) var count = 3
  /// The bit of the event mask that lets it through; nil if nothing can hold it back.
  let maskBit: UInt8?
  /// The bit of the LE event mask; nil if it is no LE event.
  private(set) var leMaskBit: UInt8?

  init(_ code: UInt8, maskBit: UInt8?) {
    octets[0] = 4
    octets[1] = code
    self.maskBit = maskBit
  }

  /// An LE Meta event. The bits of its mask are those of the subevents, one less.
  init(subevent: UInt8) {
    self.init(0x3e, maskBit: 61)
    leMaskBit = subevent - 1
    append(subevent)
  }

  static func commandComplete(_ opcode: UInt16, status: UInt8) -> EventWriter {
    var event = EventWriter(0x0e, maskBit: nil)
    event.append(1)
    event.append(UInt64(opcode), width: 2)
    event.append(status)
    return event
  }

  static func commandStatus(_ opcode: UInt16, _ status: UInt8) -> EventWriter {
    var event = EventWriter(0x0f, maskBit: nil)
    event.append(status)
    event.append(1)
    event.append(UInt64(opcode), width: 2)
    return event
  }

  mutating func append(_ octet: UInt8) {
    guard count < Self.capacity else { return }
    octets[count] = octet
    count += 1
    octets[2] = UInt8(truncatingIfNeeded: count - 3)
  }

  mutating func append(_ value: UInt64, width: Int) {
    for i in 0..<width { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * i))) }
  }
}

/// Which events the host wants (Core specification, Vol 4 Part E §7.3.1 and §7.8.1).
struct EventMasks {
  var events: UInt64 = 0x1fff_ffff_ffff
  var lowEnergy: UInt64 = 0x1f

  func allow(_ event: EventWriter) -> Bool {
    if let bit = event.maskBit, events & 1 << UInt64(bit) == 0 { return false }
    if let bit = event.leMaskBit, lowEnergy & 1 << UInt64(bit) == 0 { return false }
    return true
  }
}
