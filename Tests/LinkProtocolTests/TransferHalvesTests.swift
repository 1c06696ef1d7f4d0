import Bytes
import Digests
import PropertyTesting
import Testing

@testable import LinkProtocol

/// The sending and the receiving half of a transfer, each against a peer that claims what cannot be.
@Suite struct TransferHalvesTests {
  private static let start = Timestamp(microseconds: 0)
  private static let timeout: UInt64 = .milliseconds(100)

  private static func offer(_ length: UInt32) -> ObjectOffer {
    ObjectOffer(kind: .model, name: ObjectName(digest: .zero, length: length), round: 0)
  }

  /// A sender of `length` bytes in chunks of 100 that has sent `sent` of them.
  private func sender(
    _ length: UInt32, held: UInt32 = 0, credit: UInt32 = 4_000, sent: Int
  ) -> OutgoingTransfer {
    var transfer = OutgoingTransfer(number: 1, offer: Self.offer(length), now: Self.start)
    let accepted = transfer.accepted(held: held, chunk: 100, creditLimit: credit, now: Self.start)
    #expect(accepted)
    for i in 0..<sent {
      let chunk = transfer.chunkToSend()
      #expect(chunk?.index == i)
      transfer.sent(i, sequence: UInt16(10 + i), now: Self.start, timeout: Self.timeout)
    }
    return transfer
  }

  private func news(
    _ contiguous: UInt32, latest: UInt16 = 9, credit: UInt32 = 4_000, selective: UInt32 = 0
  ) -> ChunkAcknowledgement {
    ChunkAcknowledgement(
      transfer: 1, latestSequence: latest, contiguous: contiguous, creditLimit: credit, selective: selective)
  }

  private func outcome(
    _ transfer: inout OutgoingTransfer, _ news: ChunkAcknowledgement, at now: Timestamp = start
  ) -> OutgoingTransfer.AcknowledgementOutcome {
    transfer.receive(news, now: now, timeout: Self.timeout)
  }

  // MARK: Sending

  @Test func acknowledgementsOfBytesNeverSentAreImpossible() {
    var transfer = sender(1_050, sent: 4)
    let impossible = [
      news(500), news(1_050), news(1_000), news(.max), news(0x4000_0000),  // never sent
      news(1), news(99), news(399),  // where no chunk ends
      news(0, selective: 0b1000), news(100, selective: 0b100), news(400, selective: 1),
      news(0, selective: 0x8000_0000), news(0, selective: .max),
    ]
    for claim in impossible { check(outcome(&transfer, claim), equals: .impossible, "\(claim)") }
    #expect(transfer.progress.delivered == 0)
    check(
      outcome(&transfer, news(100, latest: 13, selective: 0b11)), equals: .taken(advanced: true, roundTrip: 0)
    )
    #expect(transfer.progress.delivered == 100)
    // What is older than that says nothing, what contradicts it is still impossible.
    check(outcome(&transfer, news(0, latest: 13)), equals: .nothing)
    check(outcome(&transfer, news(1_050, latest: 13)), equals: .impossible)
  }

  @Test func acceptancesOfWhatWasNotOfferedAreImpossible() {
    var transfer = OutgoingTransfer(number: 1, offer: Self.offer(1_050), now: Self.start)
    check(!transfer.accepted(held: 1_051, chunk: 100, creditLimit: 0, now: Self.start))
    check(!transfer.accepted(held: .max, chunk: 100, creditLimit: 0, now: Self.start))
    check(!transfer.accepted(held: 0, chunk: 0, creditLimit: 0, now: Self.start))
    #expect(transfer.chunkToSend() == nil)
    check(transfer.accepted(held: 50, chunk: 100, creditLimit: .max, now: Self.start))
    check(!transfer.accepted(held: 50, chunk: 100, creditLimit: .max, now: Self.start))
    #expect(transfer.chunkToSend()?.offset == 50)
  }

  @Test func acknowledgementsBeforeTheAnswerAndAfterTheEndSayNothing() {
    var transfer = OutgoingTransfer(number: 1, offer: Self.offer(200), now: Self.start)
    check(outcome(&transfer, news(200)), equals: .nothing)
    transfer = sender(200, sent: 2)
    check(outcome(&transfer, news(200, latest: 11)), equals: .taken(advanced: true, roundTrip: 0))
    check(outcome(&transfer, news(100)), equals: .nothing)
    check(outcome(&transfer, news(.max)), equals: .nothing)
    #expect(transfer.chunkToSend() == nil && transfer.nextDeadline == nil)
  }

  @Test func nothingIsSentBeyondTheCreditOrTheWindow() {
    var transfer = sender(100_000, credit: 250, sent: 2)
    #expect(transfer.chunkToSend() == nil)
    // Credit that ends within a chunk does not pay for it, and credit is never taken back.
    check(outcome(&transfer, news(0, credit: 299)), equals: .taken(advanced: true, roundTrip: nil))
    #expect(transfer.chunkToSend() == nil)
    _ = outcome(&transfer, news(0, credit: 300))
    #expect(transfer.chunkToSend()?.index == 2)
    _ = outcome(&transfer, news(0, credit: 100))
    #expect(transfer.chunkToSend()?.index == 2)
    // However much is credited, 32 chunks are open at most: more no acknowledgement could speak of.
    transfer = sender(100_000, credit: .max, sent: 32)
    #expect(transfer.chunkToSend() == nil)
    check(
      outcome(&transfer, news(0, latest: 41, credit: .max, selective: 0x7fff_ffff)),
      equals: .taken(advanced: false, roundTrip: nil))
    #expect(transfer.chunkToSend()?.index == 0)
  }

  @Test func whatWasOvertakenIsSentAgainAtOnceAndOnlyThat() {
    var transfer = sender(3_000, sent: 6)
    // Frame 14 came in, those with chunks 1 and 2 did not.
    _ = outcome(&transfer, news(100, latest: 14, selective: 0b110))
    #expect(transfer.chunkToSend()?.index == 1)
    transfer.sent(1, sequence: 16, now: Self.start, timeout: Self.timeout)
    #expect(transfer.chunkToSend()?.index == 2)
    transfer.sent(2, sequence: 17, now: Self.start, timeout: Self.timeout)
    #expect(transfer.chunkToSend()?.index == 6)
    // The same news again does not call the second copies lost; they are under way.
    _ = outcome(&transfer, news(100, latest: 14, selective: 0b110))
    #expect(transfer.chunkToSend()?.index == 6)
    _ = outcome(&transfer, news(100, latest: 17, selective: 0b111))
    #expect(transfer.chunkToSend()?.index == 1)
    #expect(transfer.progress.retransmitted == 200)
  }

  @Test func frameNumbersThatWrapTellLossAsWell() {
    var transfer = sender(3_000, sent: 0)
    for i in 0..<4 {
      transfer.sent(
        i, sequence: UInt16(truncatingIfNeeded: 65_534 + i), now: Self.start, timeout: Self.timeout)
    }
    _ = outcome(&transfer, news(0, latest: 0, selective: 0b10))
    #expect(transfer.chunkToSend()?.index == 0)
    transfer.sent(0, sequence: 2, now: Self.start, timeout: Self.timeout)
    #expect(transfer.chunkToSend()?.index == 1)
    transfer.sent(1, sequence: 3, now: Self.start, timeout: Self.timeout)
    #expect(transfer.chunkToSend()?.index == 4)
  }

  @Test func aTimeoutSendsTheOldestOpenChunkAgainAndThatIsMeasuredHonestly() {
    var transfer = sender(3_000, credit: 300, sent: 3)
    let late = Self.start + .milliseconds(100)
    check(!transfer.timeOut(now: Self.start + .milliseconds(99), timeout: Self.timeout))
    check(transfer.timeOut(now: late, timeout: Self.timeout))
    #expect(transfer.chunkToSend()?.index == 0)
    transfer.sent(0, sequence: 13, now: late, timeout: Self.timeout)
    #expect(transfer.chunkToSend() == nil)
    // The link was slow, not lossy: the first copy is answered, 150 ms after it went out.
    var slow = transfer
    let answered = Self.start + .milliseconds(150)
    check(
      outcome(&slow, news(100, latest: 10, credit: 400), at: answered),
      equals: .taken(advanced: true, roundTrip: 150_000))
    // The second copy is answered: from the first no time can be told.
    check(
      outcome(&transfer, news(100, latest: 13, credit: 400), at: answered),
      equals: .taken(advanced: true, roundTrip: nil))
  }

  @Test func whateverAReceiverClaimsTheSenderKeepsToItsObject() {
    let seed: UInt64 = 82
    var random = SeededGenerator(seed: seed)
    for _ in 0..<150 {
      let length = UInt32(random.next() % 5_000)
      var transfer = OutgoingTransfer(number: 1, offer: Self.offer(length), now: Self.start)
      var (now, sequence) = (Self.start, UInt16(truncatingIfNeeded: random.next()))
      var credit = 0
      for _ in 0..<150 {
        now = now + random.next() % 60_000
        switch random.next() % 5 {
        case 0:
          let limit = UInt32(random.next() % 6_000)
          let chunk = Int(random.next() % 200)
          if transfer.accepted(
            held: UInt32(random.next() % 600), chunk: chunk, creditLimit: limit, now: now)
          {
            credit = Int(limit)
          }
        case 1: _ = transfer.timeOut(now: now, timeout: Self.timeout)
        case 2:
          let wild = ChunkAcknowledgement(
            transfer: 1, latestSequence: sequence &- UInt16(random.next() % 40),
            contiguous: random.chance(0.8)
              ? transfer.progress.delivered : UInt32(truncatingIfNeeded: random.next()),
            creditLimit: UInt32(random.next() % 6_000),
            selective: UInt32(truncatingIfNeeded: random.next()) >> UInt32(random.next() % 33))
          if outcome(&transfer, wild, at: now) != .impossible {
            credit = max(credit, Int(wild.creditLimit))
          }
        default:
          guard let chunk = transfer.chunkToSend() else { continue }
          let inside =
            chunk.length > 0 && chunk.offset >= 0 && chunk.offset + chunk.length <= min(credit, Int(length))
          #expect(inside, "\(chunk) of \(length), seed \(seed)")
          sequence &+= 1
          transfer.sent(chunk.index, sequence: sequence, now: now, timeout: Self.timeout)
        }
      }
    }
  }

  // MARK: Receiving

  private func receiver(_ length: UInt32, held: UInt32 = 0, window: Int = 800) -> IncomingTransfer {
    IncomingTransfer(
      number: 1, offer: Self.offer(length), held: held, chunk: 100, window: window, latestSequence: 0,
      now: Self.start)
  }

  @Test func chunksThatWereNotAskedForAreImpossible() {
    var transfer = receiver(1_050, held: 50)
    for (offset, length) in [
      (0, 100), (49, 100), (51, 100), (150, 99), (150, 101), (50, 0), (50, 1_000),  // not on the grid
      (1_050, 0), (1_050, 1), (1_150, 100), (Int(ObjectName.maximumLength), 65_535),  // beyond the end
      (850, 100), (950, 100),  // beyond the credit
    ] {
      let outcome = transfer.received(offset: offset, length: length, sequence: 1, now: Self.start)
      #expect(outcome == .impossible, "\(length) bytes at \(offset)")
    }
    #expect(transfer.creditLimit == 850)
    let outcome = transfer.received(offset: 750, length: 100, sequence: 1, now: Self.start)
    #expect(outcome == .write)
  }

  @Test func aChunkThatIsHereAlreadyIsAcknowledgedAgainAndNotWritten() {
    var transfer = receiver(1_050)
    for offset in [0, 300] {
      let outcome = transfer.received(offset: offset, length: 100, sequence: 1, now: Self.start)
      #expect(outcome == .write)
      transfer.stored(at: offset)
    }
    _ = transfer.takeAcknowledgement()
    for offset in [0, 300] {
      let outcome = transfer.received(offset: offset, length: 100, sequence: 2, now: Self.start)
      #expect(outcome == .duplicate)
      let news = transfer.takeAcknowledgement()
      #expect(news?.contiguous == 100 && news?.selective == 0b10)
    }
    #expect(transfer.progress.retransmitted == 200)
  }

  @Test func inWhateverOrderChunksComeTheObjectIsWholeAndTheCreditIsNeverExceeded() {
    let seed: UInt64 = 83
    var random = SeededGenerator(seed: seed)
    for length in [1, 99, 100, 101, 3_200, 3_201, 10_000] as [UInt32] {
      // More than 32 chunks of credit would be more than an acknowledgement can tell apart.
      var transfer = receiver(length, window: 100_000)
      var here: Set<Int> = []
      for _ in 0..<5_000 where !transfer.isComplete {
        let offset = 100 * Int(random.next() % UInt64((length + 99) / 100))
        let count = min(100, Int(length) - offset)
        let outcome = transfer.received(offset: offset, length: count, sequence: 1, now: Self.start)
        if offset + count > Int(transfer.creditLimit) {
          #expect(outcome == .impossible)
        } else {
          #expect(outcome == (here.contains(offset) ? .duplicate : .write), "seed \(seed)")
        }
        if outcome == .write {
          transfer.stored(at: offset)
          here.insert(offset)
        }
        var contiguous = 0
        while here.contains(contiguous) { contiguous += 100 }
        #expect(transfer.contiguousBytes == min(UInt32(contiguous), length))
        #expect(transfer.creditLimit == min(UInt32(contiguous) + 3_200, length))
      }
      #expect(transfer.isComplete && transfer.nextDeadline == nil)
    }
  }

  @Test func silenceIsAnsweredByRepeatingWhatIsHere() {
    var transfer = receiver(1_050)
    check(transfer.takeAcknowledgement(), equals: nil)
    var now = Self.start
    for _ in 0..<5 {
      now = transfer.nextDeadline!
      transfer.timeOut(now: now)
      check(transfer.takeAcknowledgement()?.contiguous, equals: 0)
    }
    #expect(now - Self.start == 5 * RoundTripEstimator.initialTimeout)
  }

  // MARK: Sizes

  @Test func theLongestObjectFitsTheIntegersOfA32BitBoard() {
    // The greatest sum that any step forms: the end of the last chunk, and a window of the longest chunks after it.
    let longestChunk = 65_535
    let greatest = Int(ObjectName.maximumLength) + ChunkAcknowledgement.selectiveChunks * longestChunk
    #expect(greatest <= Int(Int32.max))
    let grid = ChunkGrid(start: 0, end: Int(ObjectName.maximumLength), chunk: longestChunk)
    #expect(grid.offset(of: grid.count) <= Int(Int32.max))
    #expect(grid.boundary(after: grid.count) == Int(ObjectName.maximumLength))
  }

  @Test func aNumberInUseIsNotGivenAgain() {
    var table = TransferTable()
    let first = table.open(Self.offer(1), now: Self.start)
    #expect(first == 1)
    var numbers: Set<TransferNumber> = []
    for _ in 0..<65_536 {
      let number = table.open(Self.offer(1), now: Self.start)!
      numbers.insert(number)
      _ = table.closeOutgoing(number)
    }
    #expect(!numbers.contains(1) && !numbers.contains(0) && numbers.count == 65_534)
  }
}
