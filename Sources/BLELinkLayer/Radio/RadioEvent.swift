/// What the radio's interrupt owns: the state of the event under way. The link layer and this value meet only in
/// ``LinkLayer/exchange(with:)``, which the driver calls with that interrupt masked.
///
/// The driver's part: arm the ``RadioCommand`` that `exchange` returned; call ``received(_:isIntact:from:to:rssi:)``
/// after each packet and ``transmitted(end:)`` after each answer, and do what they return; call ``heardNothing()`` when a
/// window passes in silence, ``missed()`` when a command could not be armed in time or was taken back (``isAborted``). After ``isClosed``, and also after
/// each packet, let the link layer exchange and work at a lower priority.
public struct RadioEvent: Sendable {
  private enum Mode: Sendable { case idle, advertising, connected }

  private var mode = Mode.idle
  /// Whether what is armed or under way is of no use any more. It ends at the next packet; what has not begun the driver
  /// takes back, and calls ``missed()``.
  public private(set) var isAborted = false
  /// Whether nothing is armed or under way.
  public private(set) var isClosed = true
  /// The strength of the last packet with a right CRC, in dBm; 127 if there was none.
  public private(set) var rssi: Int8 = 127
  var connection = ConnectionEvent()
  var advertising = AdvertisingEvent()

  /// Nothing yet.
  public init() { connection.reset() }

  /// The buffer to receive the next packet into.
  public var receiveBuffer: UInt8 { connection.receiveBuffer }

  mutating func beginAdvertising() {
    mode = .advertising
    advertising.begin()
    isAborted = false
    isClosed = false
  }

  mutating func beginConnected(deadline: RadioTime, transmitPHY: PHY) {
    mode = .connected
    connection.begin(deadline: deadline, transmitPHY: transmitPHY)
    isAborted = false
    isClosed = false
  }

  /// Ends what is under way at the next packet.
  mutating func abort() { isAborted = true }

  /// What ended the event was taken note of.
  mutating func becomeIdle() { mode = .idle }

  var isAdvertising: Bool { mode == .advertising }
  var isConnected: Bool { mode == .connected }

  /// A packet came into ``receiveBuffer``.
  ///
  /// - Parameters:
  ///   - pdu: header and payload; two octets at least.
  ///   - isIntact: whether the CRC was right, and the length no longer than allowed.
  ///   - start: when its first bit began, ramp-up and delays of the radio taken off.
  ///   - end: when its last bit ended.
  ///   - rssi: how strong it was, in dBm.
  public mutating func received(
    _ pdu: Span<UInt8>, isIntact: Bool, from start: RadioTime, to end: RadioTime, rssi: Int8
  ) -> Turn {
    guard !isAborted, !isClosed, pdu.count >= 2 else { return close() }
    if isIntact { self.rssi = rssi }
    let turn: Turn
    if mode == .connected {
      let header = UInt16(pdu[0]) | UInt16(pdu[1]) &<< 8
      turn = connection.received(header: header, isIntact: isIntact, from: start, to: end)
    } else {
      turn = advertising.received(pdu, isIntact: isIntact, to: end)
    }
    if turn == .close { isClosed = true }
    return turn
  }

  /// A packet was sent that was an answer; its last bit ended at `end`.
  public mutating func transmitted(end: RadioTime) -> Turn {
    guard !isAborted, mode == .connected else { return close() }
    let turn = connection.transmitted(end: end)
    if turn == .close { isClosed = true }
    return turn
  }

  /// Nothing began within the time.
  public mutating func heardNothing() { isClosed = true }

  /// The command could not be armed in time.
  public mutating func missed() { isClosed = true }

  private mutating func close() -> Turn {
    isClosed = true
    return .close
  }
}
