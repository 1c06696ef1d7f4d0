import Bytes
import LinkSimulation
import PropertyTesting
import Testing

@testable import LinkProtocol

@Suite struct ControlChannelTests {
  private func channel() -> ControlChannel {
    ControlChannel(slots: 8, maximumMessage: ControlMessage.maximumEncodedLength)
  }

  private func next(_ channel: inout ControlChannel, now: Timestamp) -> (number: UInt16, text: [UInt8])? {
    var buffer = BoundedBytes(capacity: 200)
    guard channel.nextMessage(now: now, timeout: .milliseconds(100), into: &buffer) else { return nil }
    let bytes = copied(buffer.span)
    return (UInt16(bytes[0]) | UInt16(bytes[1]) << 8, Array(bytes[2...]))
  }

  /// Both ends of a channel on which frames are lost at random, until `count` messages were taken.
  private func run(_ count: UInt32, loss: Double, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var sender = channel()
    var receiver = channel()
    var now = Timestamp(microseconds: 0)
    var (queued, taken) = (0 as UInt32, 0 as UInt32)
    while taken < count {
      while queued < count, sender.enqueue(.stopTraining(StopTraining(round: queued))) { queued += 1 }
      while let (number, text) = next(&sender, now: now) {
        guard !random.chance(loss), receiver.isNext(number) else { continue }
        receiver.take()
        let message = try ControlMessage(parsing: text.span)
        guard message == .stopTraining(StopTraining(round: taken)) else {
          Issue.record("\(message) instead of \(taken), seed \(seed)")
          return
        }
        taken += 1
      }
      if let expected = receiver.takeAcknowledgement(), !random.chance(loss) {
        _ = sender.acknowledged(upTo: expected, now: now, timeout: .milliseconds(100))
      }
      now = now + .milliseconds(101)
      _ = sender.timeOut(now: now)
    }
    #expect(queued == count)
  }

  @Test func moreMessagesThanThereAreNumbersArriveInOrder() throws {
    try run(70_000, loss: 0, seed: 1)
  }

  @Test func whateverIsLostEveryMessageArrivesOnceAndInOrder() throws {
    for seed in 78...81 as ClosedRange<UInt64> { try run(2_000, loss: 0.4, seed: seed) }
  }

  @Test func aFullQueueTakesNoMoreAndLosesNothing() {
    var channel = channel()
    for i in 0..<8 as Range<UInt32> {
      check(channel.enqueue(.stopTraining(StopTraining(round: i))))
    }
    check(!channel.enqueue(.statusRequest))
    #expect(channel.free == 0 && !channel.isIdle)
    let now = Timestamp(microseconds: 0)
    for i in 0..<8 as Range<UInt16> { check(next(&channel, now: now)?.number, equals: i) }
    let more = next(&channel, now: now)?.number
    #expect(more == nil)
    _ = channel.acknowledged(upTo: 3, now: now, timeout: 1)
    #expect(channel.free == 3)
  }

  @Test func acknowledgementsOfWhatWasNeverSentAreIgnored() {
    var channel = channel()
    let now = Timestamp(microseconds: 0)
    for _ in 0..<4 { _ = channel.enqueue(.statusRequest) }
    _ = next(&channel, now: now)
    for number in [0, 2, 3, 4, 5, 100, 32_767, 32_768, 65_535] as [UInt16] {
      let sample = channel.acknowledged(upTo: number, now: now, timeout: 1)
      #expect(sample == nil)
      #expect(channel.free == 4, "number \(number)")
    }
    let sample = channel.acknowledged(upTo: 1, now: now + 30, timeout: 1)
    #expect(sample == 30)
    #expect(channel.free == 5)
  }

  @Test func aMessageThatIsNotTakenComesAgain() {
    var channel = channel()
    check(channel.isNext(0))
    check(channel.takeAcknowledgement(), equals: 0)
    check(channel.takeAcknowledgement(), equals: nil)
    check(channel.isNext(0))
    channel.take()
    check(!channel.isNext(0))
    check(!channel.isNext(2))
    check(channel.takeAcknowledgement(), equals: 1)
  }

  @Test func afterATimeoutAllOfItGoesOutAgainAndIsNoSample() {
    var channel = channel()
    let start = Timestamp(microseconds: 0)
    for _ in 0..<3 { _ = channel.enqueue(.statusRequest) }
    for _ in 0..<3 { _ = next(&channel, now: start) }
    let alive = channel.timeOut(now: start + .milliseconds(100))
    #expect(alive)
    var again: [UInt16] = []
    while let (number, _) = next(&channel, now: start + .milliseconds(100)) { again.append(number) }
    #expect(again == [0, 1, 2])
    let sample = channel.acknowledged(upTo: 3, now: start + .milliseconds(130), timeout: 1)
    #expect(sample == nil)
    #expect(channel.isIdle && channel.nextDeadline == nil)
  }

  @Test func aSilentPeerIsGivenUpAfterEightTimeoutsInARowButNotOtherwise() {
    var channel = channel()
    var now = Timestamp(microseconds: 0)
    for _ in 0..<2 { _ = channel.enqueue(.statusRequest) }
    for _ in 0..<7 {
      while next(&channel, now: now) != nil {}
      now = now + .milliseconds(100)
      check(channel.timeOut(now: now))
    }
    // A sign of life, and the count begins anew.
    while next(&channel, now: now) != nil {}
    _ = channel.acknowledged(upTo: 1, now: now, timeout: .milliseconds(100))
    for attempt in 1...8 {
      now = now + .milliseconds(100)
      check(channel.timeOut(now: now), equals: (attempt < 8))
      while next(&channel, now: now) != nil {}
    }
  }
}
