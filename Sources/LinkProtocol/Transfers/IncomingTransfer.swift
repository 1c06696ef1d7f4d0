/// The receiving half of one transfer, without I/O.
///
/// Theory: chunks are written where they belong as they come in; `contiguous` counts those without a gap,
/// a bit set the ones after it. Acknowledgements go out for every second chunk, at once when something is
/// odd (a gap, its end, a chunk that was here already), and again and again while nothing comes, as the last one may
/// have been lost. A sender that stalled on credits has nothing in flight and waits for exactly that.
struct IncomingTransfer {
  let number: TransferNumber
  let offer: ObjectOffer
  private let grid: ChunkGrid
  private let window: Int
  /// Chunks after which an acknowledgement is due: half a window, and no more than two.
  private let acknowledgeEvery: Int
  /// Chunks here without a gap.
  private var contiguous = 0
  /// Bit i: chunk contiguous + 1 + i is here.
  private var beyond: UInt32 = 0
  private var latestSequence: UInt16
  private var unacknowledged = 0
  private var acknowledgementDue = false
  private var deadline: Timestamp?
  private(set) var duplicates: UInt32 = 0
  private let started: Timestamp
  private let resumedFrom: UInt32
  private var completedAtOnce: Bool

  /// - Parameters:
  ///   - held: bytes at the beginning that are here already.
  ///   - chunk: bytes a chunk, at least 1.
  ///   - window: bytes that may be under way, at least `chunk`.
  ///   - latestSequence: number of the latest frame that came in. Every chunk comes in a later one, so that an
  ///     acknowledgement made before the first chunk calls none of them lost.
  init(
    number: TransferNumber, offer: ObjectOffer, held: UInt32, chunk: Int, window: Int,
    latestSequence: UInt16, now: Timestamp
  ) {
    self.number = number
    self.offer = offer
    grid = ChunkGrid(start: Int(held), end: Int(offer.name.length), chunk: chunk)
    self.window = min(window, ChunkAcknowledgement.selectiveChunks * chunk)
    self.latestSequence = latestSequence
    acknowledgeEvery = max(1, min(2, window / chunk / 2))
    started = now
    resumedFrom = held
    completedAtOnce = grid.count == 0
    deadline = now + RoundTripEstimator.initialTimeout
  }

  /// Whether every byte is here.
  var isComplete: Bool { contiguous == grid.count }

  /// Whether no byte was missing from the start; true once.
  mutating func takeCompletedAtOnce() -> Bool {
    defer { completedAtOnce = false }
    return completedAtOnce
  }

  /// The first missing byte: what a resumed transfer would begin with.
  var contiguousBytes: UInt32 { UInt32(grid.boundary(after: contiguous)) }

  /// The sender may send bytes before this one.
  var creditLimit: UInt32 { UInt32(min(grid.boundary(after: contiguous) + window, grid.end)) }

  /// How far it has come.
  var progress: TransferProgress {
    TransferProgress(
      offer: offer, delivered: contiguousBytes, resumedFrom: resumedFrom, retransmitted: duplicates,
      started: started)
  }

  /// What to do with a chunk.
  enum ChunkOutcome: Equatable {
    /// Write it, then call ``stored(at:)``.
    case write
    /// It was here already.
    case duplicate
    /// No chunk of this transfer begins there or has that length, or no credit was given for it.
    case impossible
  }

  /// A chunk came in.
  mutating func received(
    offset: Int, length: Int, sequence: UInt16, now: Timestamp
  ) -> ChunkOutcome {
    guard let index = grid.index(at: offset), grid.length(of: index) == length,
      offset + length <= Int(creditLimit)
    else { return .impossible }
    latestSequence = sequence
    deadline = now + RoundTripEstimator.initialTimeout
    if index < contiguous || (index > contiguous && beyond & (1 << UInt32(index - contiguous - 1)) != 0) {
      duplicates &+= UInt32(length)
      acknowledgementDue = true
      return .duplicate
    }
    return .write
  }

  /// The chunk at `offset` was written.
  mutating func stored(at offset: Int) {
    guard let index = grid.index(at: offset) else { return }
    if index > contiguous {
      beyond |= 1 << UInt32(index - contiguous - 1)
      acknowledgementDue = true
      return
    }
    let closesGap = beyond != 0
    contiguous += 1
    while beyond & 1 != 0 {
      beyond >>= 1
      contiguous += 1
    }
    beyond >>= 1
    unacknowledged += 1
    if isComplete {
      deadline = nil
      acknowledgementDue = true
    } else if closesGap || unacknowledged >= acknowledgeEvery {
      acknowledgementDue = true
    }
  }

  /// The acknowledgement to send now, if one is due.
  mutating func takeAcknowledgement() -> ChunkAcknowledgement? {
    guard acknowledgementDue else { return nil }
    acknowledgementDue = false
    unacknowledged = 0
    return ChunkAcknowledgement(
      transfer: number, latestSequence: latestSequence, contiguous: contiguousBytes,
      creditLimit: creditLimit, selective: beyond)
  }

  /// When ``timeOut(now:)`` is due.
  var nextDeadline: Timestamp? { deadline }

  /// Nothing came for a while: say again what is here.
  mutating func timeOut(now: Timestamp) {
    guard let due = deadline, due <= now else { return }
    acknowledgementDue = true
    deadline = now + RoundTripEstimator.initialTimeout
  }
}
