/// The sending half of one transfer, without I/O.
///
/// Theory: the object from the receiver's first missing byte on is a ``ChunkGrid``. At most 32 chunks are
/// *open* (sent or lost, and not acknowledged), beginning at the first one that the receiver misses; three
/// bit sets relative to that one say which are here, in flight, or to be sent again. An acknowledgement names
/// the latest frame that got through; carriers keep the order of frames, so whatever was sent before it and
/// is not acknowledged is lost and is sent again at once. The time-out serves only what no acknowledgement
/// speaks of: the tail, and silence. Credits: the receiver names the byte it can take chunks up to.
struct OutgoingTransfer {
  private enum State {
    /// Offered; the receiver has not said what it holds.
    case offered
    /// Chunks flow.
    case sending
    /// Everything was acknowledged; the receiver checks and stores.
    case awaitingConfirmation
  }

  let number: TransferNumber
  let offer: ObjectOffer
  private var state = State.offered
  private var grid: ChunkGrid
  /// First chunk that the receiver misses.
  private var base = 0
  /// Next chunk that was never sent.
  private var next = 0
  private var creditLimit = 0
  /// Relative to `base`.
  private var acknowledged: UInt32 = 0
  private var lost: UInt32 = 0
  /// Frame sequence number under which each open chunk was last sent, by chunk number modulo 32.
  private var sentAs: InlineArray<32, UInt16> = .init(repeating: 0)
  private var deadline: Timestamp?
  /// A chunk whose acknowledgement tells the round-trip time, and the frame it went out in first.
  private var timed: (index: Int, sequence: UInt16, at: Timestamp)?
  private(set) var progress: TransferProgress

  init(number: TransferNumber, offer: ObjectOffer, now: Timestamp) {
    self.number = number
    self.offer = offer
    grid = ChunkGrid(start: 0, end: Int(offer.name.length), chunk: 1)
    progress = TransferProgress(offer: offer, delivered: 0, resumedFrom: 0, retransmitted: 0, started: now)
  }

  /// The receiver accepted: it holds the first `held` bytes and takes chunks of at most `chunk` bytes, up to
  /// byte `creditLimit`.
  ///
  /// - Returns: false if it claims what cannot be.
  mutating func accepted(held: UInt32, chunk: Int, creditLimit: UInt32, now: Timestamp) -> Bool {
    switch state {
    case .sending, .awaitingConfirmation:
      return false
    case .offered:
      guard held <= offer.name.length, chunk > 0 else { return false }
      grid = ChunkGrid(start: Int(held), end: Int(offer.name.length), chunk: chunk)
      self.creditLimit = Int(min(creditLimit, offer.name.length))
      progress.delivered = held
      progress.resumedFrom = held
      progress.started = now
      state = grid.count == 0 ? .awaitingConfirmation : .sending
      return true
    }
  }

  /// Bytes under way: sent, not acknowledged, and not known to be lost.
  var inFlight: Int { (next - base - (acknowledged | lost).nonzeroBitCount) * grid.chunk }

  /// Bytes that arrived since the transfer began; the last chunk counts like the others.
  var arrived: Int { (base + acknowledged.nonzeroBitCount) * grid.chunk }

  /// Whether `index` is the chunk that everything waits for: the first one that the receiver misses.
  func isFirstMissing(_ index: Int) -> Bool { index == base }

  /// The chunk to send next: one that was lost, else the next new one if window and credit allow.
  func chunkToSend() -> (index: Int, offset: Int, length: Int)? {
    switch state {
    case .offered, .awaitingConfirmation:
      return nil
    case .sending:
      let index: Int
      if lost != 0 {
        index = base + lost.trailingZeroBitCount
      } else if next < grid.count, next - base < 32, grid.boundary(after: next + 1) <= creditLimit {
        index = next
      } else {
        return nil
      }
      return (index, grid.offset(of: index), grid.length(of: index))
    }
  }

  /// Chunk `index` went out in frame `sequence`.
  mutating func sent(_ index: Int, sequence: UInt16, now: Timestamp, timeout: UInt64) {
    if index == next {
      next += 1
    } else {
      lost &= ~(1 << UInt32(index - base))
      progress.retransmitted &+= UInt32(grid.length(of: index))
    }
    if timed == nil { timed = (index, sequence, now) }
    sentAs[index & 31] = sequence
    deadline = now + timeout
  }

  /// What an acknowledgement led to.
  enum AcknowledgementOutcome: Equatable {
    /// It is for a transfer that is not under way, or older than what is known.
    case nothing
    /// It was taken. `advanced` if more bytes are at the receiver without a gap, or more may be sent; the
    /// round-trip time in µs if one was measured.
    case taken(advanced: Bool, roundTrip: UInt64?)
    /// It claims bytes that were never sent: the peer is not to be trusted with this transfer.
    case impossible
  }

  /// The receiver told what it has.
  mutating func receive(
    _ news: ChunkAcknowledgement, now: Timestamp, timeout: UInt64
  ) -> AcknowledgementOutcome {
    switch state {
    // The answer that comes first was lost and is on its way again.
    case .offered, .awaitingConfirmation: return .nothing
    case .sending: break
    }
    guard news.contiguous <= offer.name.length,
      let newBase = chunksHeld(upTo: Int(news.contiguous)), newBase <= next
    else { return .impossible }
    // An older acknowledgement that was overtaken says less than is known.
    guard newBase >= base else { return .nothing }
    let open = next - newBase
    // Bit i of `selective` is chunk newBase + 1 + i. Those from `next` on were never sent.
    let claimable: UInt32 = open <= 1 ? 0 : (1 << UInt32(min(open, 32) - 1)) - 1
    guard news.selective & ~claimable == 0 else { return .impossible }
    let advanced = newBase > base
    slide(to: newBase)
    let moreHere = acknowledged | news.selective << 1 != acknowledged
    acknowledged |= news.selective << 1
    lost &= ~acknowledged
    findLosses(upTo: news.latestSequence)
    let newLimit = Int(min(news.creditLimit, offer.name.length))
    let moreCredit = newLimit > creditLimit
    if moreCredit { creditLimit = newLimit }
    // Only news move the deadline: a receiver repeats itself while it waits for what was lost.
    if open == 0 { deadline = nil } else if advanced || moreHere { deadline = now + timeout }
    let roundTrip = takeRoundTrip(latest: news.latestSequence, now: now)
    if base == grid.count {
      state = .awaitingConfirmation
      deadline = nil
    }
    return .taken(advanced: advanced || moreCredit, roundTrip: roundTrip)
  }

  /// The round-trip time of the timed chunk, if it is here and the first frame that carried it brought it.
  private mutating func takeRoundTrip(latest: UInt16, now: Timestamp) -> UInt64? {
    guard let timed else { return nil }
    let isHere = timed.index < base || acknowledged & (1 << UInt32(timed.index - base)) != 0
    let answered = Int16(bitPattern: latest &- timed.sequence) >= 0
    // Neither here nor reported as lost: still under way.
    guard isHere || answered else { return nil }
    self.timed = nil
    let last = sentAs[timed.index & 31]
    let cameFirst = last == timed.sequence || Int16(bitPattern: latest &- last) < 0
    return isHere && answered && cameFirst ? now - timed.at : nil
  }

  /// Chunks wholly before byte `offset`; nil if no chunk ends there.
  private func chunksHeld(upTo offset: Int) -> Int? {
    if offset == grid.end { return grid.count }
    return grid.index(at: offset)
  }

  private mutating func slide(to newBase: Int) {
    let distance = newBase - base
    guard distance > 0 else { return }
    acknowledged = distance < 32 ? acknowledged >> UInt32(distance) : 0
    lost = distance < 32 ? lost >> UInt32(distance) : 0
    base = newBase
    progress.delivered = UInt32(grid.boundary(after: base))
  }

  private mutating func findLosses(upTo latest: UInt16) {
    for i in 0..<min(next - base, 32) {
      let bit = UInt32(1) << UInt32(i)
      guard acknowledged & bit == 0 else { continue }
      if Int16(bitPattern: latest &- sentAs[(base + i) & 31]) >= 0 { lost |= bit }
    }
  }

  /// When ``timeOut(now:timeout:)`` is due.
  var nextDeadline: Timestamp? { deadline }

  /// No acknowledgement came in time: the oldest open chunk is sent again, to provoke one. This goes on as long
  /// as the session lives; whether the peer is silent is for the control channel to find out.
  ///
  /// - Returns: whether it was due.
  mutating func timeOut(now: Timestamp, timeout: UInt64) -> Bool {
    guard let due = deadline, due <= now else { return false }
    if next > base { lost |= 1 }
    deadline = now + timeout
    return true
  }
}
