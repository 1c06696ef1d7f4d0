import Bytes

/// Delivers control messages once and in order over frames that may be lost: numbered messages, cumulative
/// acknowledgements, go-back-N (a message is small and its successor often depends on it).
///
/// Outgoing messages wait encoded in a ring of fixed slots; nothing is allocated after `init`.
struct ControlChannel: ~Copyable {
  /// Time-outs in a row after which the peer counts as silent.
  static let maximumTimeouts = 8
  /// Bytes of the message number before each message.
  static let headerLength = 2

  private let slots: Int
  private let slotLength: Int
  private var storage: [UInt8]
  private var scratch: BoundedBytes
  private var lengths: [Int]
  /// Number of the oldest message that the peer has not acknowledged.
  private(set) var oldest: UInt16 = 0
  /// Messages queued, the unacknowledged ones included.
  private var queued = 0
  /// Of these, how many were sent since the last time-out.
  private var inFlight = 0
  /// The most that were ever sent; those below it are retransmissions.
  private var everSent = 0
  /// Number of the message to be taken next.
  private(set) var expected: UInt16 = 0
  private var acknowledgementDue = false
  private var deadline: Timestamp?
  private var timeouts = 0
  private var timed: (number: UInt16, at: Timestamp)?

  /// - Parameters:
  ///   - slots: messages that can wait at once; a power of two, so that numbers wrap with the ring.
  ///   - maximumMessage: bytes of the longest message.
  init(slots: Int, maximumMessage: Int) {
    precondition(slots.nonzeroBitCount == 1)
    self.slots = slots
    slotLength = maximumMessage
    storage = [UInt8](repeating: 0, count: slots * maximumMessage)
    scratch = BoundedBytes(capacity: maximumMessage)
    lengths = [Int](repeating: 0, count: slots)
  }

  /// Forgets everything: a new session begins.
  mutating func reset() {
    oldest = 0
    queued = 0
    inFlight = 0
    everSent = 0
    expected = 0
    acknowledgementDue = false
    deadline = nil
    timeouts = 0
    timed = nil
  }

  /// Messages that can be queued now.
  var free: Int { slots - queued }

  /// Whether everything queued was acknowledged.
  var isIdle: Bool { queued == 0 }

  /// Queues a message.
  ///
  /// - Returns: false, and nothing queued, if all slots are taken or it is too long.
  mutating func enqueue(_ message: ControlMessage) -> Bool {
    guard queued < slots else { return false }
    scratch.removeAll()
    message.encode(into: &scratch)
    guard !scratch.overflowed else { return false }
    let slot = (Int(oldest) + queued) % slots
    let length = scratch.count
    for i in 0..<length {
      let byte = scratch.span[i]
      storage[slot * slotLength + i] = byte
    }
    lengths[slot] = length
    queued += 1
    return true
  }

  /// Appends number and text of the message to send now to `buffer`; false if there is none.
  mutating func nextMessage(now: Timestamp, timeout: UInt64, into buffer: inout BoundedBytes) -> Bool {
    guard inFlight < queued else { return false }
    let number = oldest &+ UInt16(inFlight)
    let slot = (Int(oldest) + inFlight) % slots
    buffer.append(littleEndian: UInt64(number), width: 2)
    buffer.append(
      contentsOf: storage.span.extracting(slot * slotLength..<slot * slotLength + lengths[slot]))
    if inFlight < everSent {
      timed = nil
    } else {
      everSent = inFlight + 1
      if timed == nil { timed = (number, now) }
    }
    inFlight += 1
    if deadline == nil { deadline = now + timeout }
    return true
  }

  /// The peer expects message `number` next.
  ///
  /// - Returns: the round-trip time in µs, if one was measured.
  mutating func acknowledged(upTo number: UInt16, now: Timestamp, timeout: UInt64) -> UInt64? {
    let count = Int(number &- oldest)
    guard count > 0, count <= everSent else { return nil }
    oldest = number
    queued -= count
    inFlight = max(0, inFlight - count)
    everSent -= count
    timeouts = 0
    deadline = inFlight > 0 ? now + timeout : nil
    guard let timed, Int16(bitPattern: number &- timed.number) > 0 else { return nil }
    self.timed = nil
    return now - timed.at
  }

  /// Message `number` came in. Every one is answered, as the last answer may have been lost.
  ///
  /// - Returns: whether it is the one to be processed now. If it is, call ``take()``, or leave it: then it
  ///   comes again.
  mutating func isNext(_ number: UInt16) -> Bool {
    acknowledgementDue = true
    return number == expected
  }

  /// Takes the message that ``isNext(_:)`` found to be the next.
  mutating func take() {
    expected &+= 1
  }

  /// The number of the next message expected, if the peer has to be told.
  mutating func takeAcknowledgement() -> UInt16? {
    guard acknowledgementDue else { return nil }
    acknowledgementDue = false
    return expected
  }

  /// When ``timeOut(now:)`` is due.
  var nextDeadline: Timestamp? { deadline }

  /// No acknowledgement came in time: everything unacknowledged goes out again.
  ///
  /// - Returns: false when it happened ``maximumTimeouts`` times in a row.
  mutating func timeOut(now: Timestamp) -> Bool {
    guard let due = deadline, due <= now else { return true }
    inFlight = 0
    deadline = nil
    timeouts += 1
    timed = nil
    return timeouts < Self.maximumTimeouts
  }
}
