import Bytes
import Digests
import LinkSimulation
import Testing

@testable import LinkProtocol

/// What a session makes of a peer that breaks the rules of a transfer, frame by frame, and of one that has bad luck.
@Suite struct UnreasonablePeerTests {
  /// The gateway offers `length` bytes and the board accepts; nothing was sent yet.
  private func accepted(_ length: Int) -> (pair: DirectPair, offer: ObjectOffer) {
    let pair = DirectPair()
    let offer = ObjectOffer(
      kind: .model, name: pair.gateway.objects.add(SessionTests.content(length)), round: 0)
    let number = pair.gateway.session.offer(offer, now: pair.now)
    pair.settle()
    pair.board.objects.expect(offer.name)
    let accepted = pair.board.session.accept(1, offer, held: 0, now: pair.now)
    #expect(number == 1 && accepted)
    return (pair, offer)
  }

  /// A frame of the session with any body, numbered after all that its sender sent.
  private func frame(_ kind: FrameKind, from side: Side, _ body: [UInt8]) -> [UInt8] {
    var frame = BoundedBytes(capacity: 1_200)
    Frame.begin(
      FrameHeader(kind: kind, session: side.session.handshake.tag, sequence: side.session.sequence),
      into: &frame)
    side.session.sequence &+= 1
    frame.append(contentsOf: body.span)
    Frame.seal(&frame)
    var bytes: [UInt8] = []
    for i in 0..<frame.count { bytes.append(frame.span[i]) }
    return bytes
  }

  private func chunk(_ offset: Int, _ data: [UInt8], from side: Side) -> [UInt8] {
    frame(.chunk, from: side, [1, 0] + (0..<4).map { UInt8(truncatingIfNeeded: offset >> (8 * $0)) } + data)
  }

  private func acknowledgement(
    contiguous: UInt32, selective: UInt32, credit: UInt32 = 4_096, from side: Side
  ) -> [UInt8] {
    var body = BoundedBytes(capacity: 16)
    ChunkAcknowledgement(
      transfer: 1, latestSequence: 0, contiguous: contiguous, creditLimit: credit, selective: selective
    ).encode(into: &body)
    var bytes: [UInt8] = []
    for i in 0..<body.count { bytes.append(body.span[i]) }
    return frame(.chunkAcknowledgement, from: side, bytes)
  }

  // MARK: A sender

  @Test func chunksThatOverlapOrLieOutsideAreDroppedAndTheTransferGoesOn() {
    let (pair, offer) = accepted(10_000)
    pair.board.events = []
    let noise = [UInt8](repeating: 0xee, count: 304)
    let overlapping = [
      (1, noise), (152, noise), (303, noise), (304, Array(noise[..<303])), (0, Array(noise[..<152])), (0, []),
      (0, noise + noise),
    ]
    let outside = [(9_728, noise), (10_000, noise), (10_032, noise), (1 << 30, noise), (0xffff_ffff, noise)]
    let beyondTheCredit = [(4_256, noise)]
    let bad = overlapping + outside + beyondTheCredit
    for (offset, data) in bad { pair.board.receive(chunk(offset, data, from: pair.gateway), now: pair.now) }
    #expect(
      pair.board.events == [SessionEvent](repeating: .violation(.impossibleTransfer(1)), count: bad.count))
    pair.settle()
    let whole = pair.board.objects.isWhole(offer.name)
    #expect(whole && pair.board.events.last == .received(1, offer))
  }

  @Test func anObjectThatIsNotWhatItsNameSaysIsRejectedAndMayComeAgain() {
    let (pair, offer) = accepted(2_000)
    let content = SessionTests.content(2_000)
    pair.gateway.objects.offer([UInt8](repeating: 7, count: 2_000), as: offer.name)
    pair.settle()
    #expect(pair.board.events.last == .received(1, offer))
    let isWhole = pair.board.objects.isWhole(offer.name)
    #expect(!isWhole)
    pair.board.session.reject(1, because: .wrongDigest)
    pair.settle()
    #expect(pair.gateway.events.last == .declined(1, offer, .wrongDigest))

    pair.gateway.objects.offer(content, as: offer.name)
    let again = pair.gateway.session.offer(offer, now: pair.now)
    pair.settle()
    let accepted = pair.board.session.accept(2, offer, held: 0, now: pair.now)
    pair.settle()
    #expect(again == 2 && accepted)
    #expect(pair.board.events.last == .received(2, offer))
    let isWholeNow = pair.board.objects.isWhole(offer.name)
    #expect(isWholeNow)
  }

  @Test func offersOfMoreThanThereCanBeAreNoOffers() {
    let pair = DirectPair()
    for length in [ObjectName.maximumLength + 1, .max] {
      let offer = ObjectOffer(kind: .model, name: ObjectName(digest: .zero, length: length), round: 0)
      let number = pair.gateway.session.offer(offer, now: pair.now)
      #expect(number == nil)
      // A peer that says it anyway.
      let queued = pair.gateway.session.enqueue(.offer(Offer(transfer: 5, object: offer)))
      #expect(queued)
      pair.settle()
      #expect(pair.board.events.last == .violation(.malformedMessage))
    }
    let room = pair.board.session.transfers.hasPlaceForOffer
    #expect(room)
  }

  @Test func offersThatTheReceiverCannotHoldAreDeclinedWithTheReason() {
    let pair = DirectPair()
    let offer = ObjectOffer(
      kind: .model, name: ObjectName(digest: .zero, length: ObjectName.maximumLength), round: 0)
    _ = pair.gateway.session.offer(offer, now: pair.now)
    pair.settle()
    #expect(pair.board.events.last == .offered(1, offer))
    pair.board.session.decline(1, because: .tooLarge)
    pair.settle()
    #expect(pair.gateway.events.last == .declined(1, offer, .tooLarge))
    let progress = pair.gateway.session.progress(ofOutgoing: 1)
    #expect(progress == nil)
  }

  // MARK: A receiver

  @Test func claimsOfBytesThatWereNeverSentEndTheTransferWithAReason() {
    let claims: [(UInt32, UInt32)] = [
      (10_000, 0), (305, 0), (0x4000_0000, 0), (.max, 0), (0, 0x8000_0000), (0, .max),
    ]
    for (contiguous, selective) in claims {
      let (pair, offer) = accepted(10_000)
      pair.gateway.receive(pair.board.allFrames(now: pair.now), now: pair.now)
      let sent = pair.gateway.allFrames(now: pair.now).filter { $0[0] == FrameKind.chunk.rawValue }
      #expect(sent.count == 13)
      pair.gateway.receive(
        acknowledgement(contiguous: contiguous, selective: selective, from: pair.board), now: pair.now)
      #expect(pair.gateway.events.last == .violation(.impossibleTransfer(1)))
      let progress = pair.gateway.session.progress(ofOutgoing: 1)
      #expect(progress == nil)
      pair.settle()
      #expect(pair.board.events.last == .withdrawn(1, offer, .invalid))
    }
  }

  @Test func whatACreditCannotBeIsCutToTheObject() {
    let (pair, offer) = accepted(10_000)
    pair.gateway.receive(pair.board.allFrames(now: pair.now), now: pair.now)
    _ = pair.gateway.allFrames(now: pair.now)
    pair.gateway.receive(
      acknowledgement(contiguous: 0, selective: 0, credit: .max, from: pair.board), now: pair.now)
    // No event but progress; nothing beyond the object is ever read.
    #expect(pair.gateway.events.last == .departing(1))
    let progress = pair.gateway.session.progress(ofOutgoing: 1)
    #expect(progress?.offer == offer)
  }

  @Test func aSecondAnswerEndsTheTransferWithAReason() {
    let (pair, offer) = accepted(10_000)
    let answer = Answer(transfer: 1, outcome: .accepted(held: 0, chunk: 304, creditLimit: 4_096))
    let queued = pair.board.session.enqueue(.answer(answer))
    #expect(queued)
    pair.gateway.receive(pair.board.allFrames(now: pair.now), now: pair.now)
    #expect(pair.gateway.events.suffix(2) == [.departing(1), .violation(.impossibleTransfer(1))])
    pair.settle()
    #expect(pair.board.events.last == .withdrawn(1, offer, .invalid))
  }

  @Test func acceptancesThatCannotBeEndTheTransferWithAReason() {
    for outcome in [
      .accepted(held: 10_001, chunk: 304, creditLimit: 10_001),
      .accepted(held: .max, chunk: 304, creditLimit: 0),
      .accepted(held: 0, chunk: 0, creditLimit: 4_096), .accepted(held: 0, chunk: 305, creditLimit: 4_096),
      .accepted(held: 0, chunk: .max, creditLimit: .max),
    ] as [Answer.Outcome] {
      let pair = DirectPair()
      let offer = ObjectOffer(
        kind: .model, name: pair.gateway.objects.add(SessionTests.content(10_000)), round: 0)
      _ = pair.gateway.session.offer(offer, now: pair.now)
      pair.settle()
      let queued = pair.board.session.enqueue(.answer(Answer(transfer: 1, outcome: outcome)))
      #expect(queued)
      pair.gateway.receive(pair.board.allFrames(now: pair.now), now: pair.now)
      let isRefused = [.violation(.impossibleTransfer(1)), .violation(.malformedMessage)]
        .contains(pair.gateway.events.last)
      #expect(isRefused, "\(outcome): \(pair.gateway.events)")
      let chunks = pair.gateway.allFrames(now: pair.now).filter { $0[0] == FrameKind.chunk.rawValue }
      #expect(chunks.isEmpty)
    }
  }

  // MARK: Objects that nobody needs any more

  @Test func anObsoleteObjectIsDroppedWithItsReasonByEitherSide() {
    let (sender, offer) = accepted(10_000)
    sender.gateway.receive(sender.board.allFrames(now: sender.now), now: sender.now)
    sender.board.receive(Array(sender.gateway.allFrames(now: sender.now).prefix(4)), now: sender.now)
    sender.gateway.session.withdraw(1, because: .obsolete)
    sender.settle()
    #expect(sender.board.events.last == .withdrawn(1, offer, .obsolete))
    let left = [
      sender.gateway.session.progress(ofOutgoing: 1), sender.board.session.progress(ofIncoming: 1),
    ]
    #expect(left == [nil, nil])

    let (receiver, _) = accepted(10_000)
    receiver.gateway.receive(receiver.board.allFrames(now: receiver.now), now: receiver.now)
    receiver.board.receive(Array(receiver.gateway.allFrames(now: receiver.now).prefix(4)), now: receiver.now)
    receiver.board.session.reject(1, because: .obsolete)
    receiver.settle()
    #expect(receiver.gateway.events.last == .declined(1, offer, .obsolete))
    let more = receiver.gateway.allFrames(now: receiver.now)
    #expect(more.isEmpty)
  }
}
