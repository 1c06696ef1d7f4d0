import Bytes

/// Puts L2CAP PDUs together from the ACL packets of one connection (Core specification, Vol 3 Part A §7.2.1).
struct ACLReassembly: ~Copyable {
  /// Octets before an L2CAP PDU's payload: length and channel.
  static let headerLength = 4

  private var held: BoundedBytes
  private var isOpen = false
  private var isWhole = false

  /// The channel of a PDU of which something was missing or too much, or that was too long to be held; nil if there
  /// was none since ``forgetDamage()``.
  private(set) var damagedChannel: UInt16?

  /// - Parameter maximumPayload: most octets of a PDU, its header not counted.
  init(maximumPayload: Int) {
    held = BoundedBytes(capacity: maximumPayload + Self.headerLength)
  }

  /// The PDU that ``take(packet:)`` completed, header first.
  var pdu: Span<UInt8> {
    @_lifetime(borrow self) get { held.span }
  }

  /// What the PDU carries.
  var payload: Span<UInt8> {
    @_lifetime(borrow self) get { held.span.dropping(Self.headerLength) }
  }

  /// The connection is gone.
  mutating func reset() {
    held.removeAll()
    isOpen = false
    isWhole = false
  }

  /// Whoever asked for ``damagedChannel`` has acted upon it.
  mutating func forgetDamage() { damagedChannel = nil }

  /// Takes one ACL packet with its type octet and its header, whole as ``H4Framing`` gives it.
  ///
  /// - Returns: true if ``pdu`` is now whole.
  mutating func take(packet: Span<UInt8>) -> Bool {
    if isWhole { reset() }
    guard packet.count >= 5 else { return false }
    let data = packet.dropping(5)
    if packet[2] >> 4 & 0b11 == 0b01 {
      guard isOpen else { return false }
    } else {
      // A new PDU; the one before it ends where it is.
      if isOpen { drop() }
      isOpen = true
    }
    let fitting = min(data.count, held.capacity - held.count)
    held.append(contentsOf: data.extracting(0..<fitting))
    guard let length = held.span.littleEndian16(at: 0), held.count >= Self.headerLength else { return false }
    let whole = Self.headerLength + Int(length)
    guard fitting == data.count, whole <= held.capacity, held.count <= whole else {
      drop()
      return false
    }
    isWhole = held.count == whole
    if isWhole { isOpen = false }
    return isWhole
  }

  private mutating func drop() {
    if let channel = held.span.littleEndian16(at: 2) { damagedChannel = channel }
    reset()
  }
}
