import Bytes
import Digests
import LinkSimulation
import PropertyTesting
import Testing

@testable import LinkProtocol

/// Frames against Protocols/vectors/frames.json, and against arbitrary bytes.
@Suite struct FrameTests {
  private func kind(_ name: String) -> FrameKind {
    var raw: UInt8 = 1
    while let kind = FrameKind(rawValue: raw) {
      if "\(kind)" == name { return kind }
      raw += 1
    }
    preconditionFailure("no frame is of kind \(name)")
  }

  private func refusal(_ bytes: [UInt8]) -> FrameError? {
    do throws(FrameError) {
      _ = try Frame.parse(bytes.span)
      return nil
    } catch {
      return error
    }
  }

  @Test func framesAreReadAndWrittenAsTheVectorsSay() throws {
    for vector in try Vectors.list("frames", of: "frames") {
      let header = FrameHeader(
        kind: kind(vector.text("kind")), session: vector.integer("session"),
        sequence: vector.integer("sequence"))
      let (bytes, body) = (vector.bytes("frame"), vector.bytes("body"))
      let made = written { frame in
        Frame.begin(header, into: &frame)
        frame.append(contentsOf: body.span)
        Frame.seal(&frame)
      }
      #expect(hex(made) == hex(bytes))
      #expect(try Frame.parse(bytes.span) == header)
      let read = copied(Frame.body(of: bytes.span))
      #expect(read == body)
      let stream = written { COBS.encode(bytes.span, into: &$0) }
      #expect(hex(stream) == vector.text("stream"))
    }
  }

  @Test func whatIsNoFrameIsRefusedForItsOwnReason() throws {
    for vector in try Vectors.list("refused", of: "frames") {
      let bytes = vector.bytes("frame")
      let expected: FrameError
      switch vector.text("error") {
      case "truncated": expected = .truncated
      case "checksum": expected = .checksum
      case "unknownKind": expected = .unknownKind(bytes[0])
      default: expected = .unknownKeyEpoch(bytes[1])
      }
      #expect(refusal(bytes) == expected, "\(vector.comment())")
    }
  }

  @Test func chunkAcknowledgementsAreReadAndWrittenAsTheVectorsSay() throws {
    for vector in try Vectors.list("acknowledgements", of: "frames") {
      let news = ChunkAcknowledgement(
        transfer: vector.integer("transfer"), latestSequence: vector.integer("latest"),
        contiguous: vector.integer("contiguous"), creditLimit: vector.integer("credit_limit"),
        selective: vector.integer("selective"))
      let bytes = vector.bytes("body")
      #expect(hex(written { news.encode(into: &$0) }) == hex(bytes))
      #expect(ChunkAcknowledgement(parsing: bytes.span) == news)
    }
    for vector in try Vectors.list("acknowledgements_refused", of: "frames") {
      #expect(ChunkAcknowledgement(parsing: vector.bytes("body").span) == nil, "\(vector.comment())")
    }
  }

  @Test func chunksAreReadAndWrittenAsTheVectorsSay() throws {
    for vector in try Vectors.list("chunks", of: "frames") {
      let (offset, data) = (vector.integer("offset") as UInt32, vector.bytes("data"))
      let number: TransferNumber = vector.integer("transfer")
      // Read: the board misses exactly that piece of an object, and is told of no other.
      var pair = DirectPair()
      let name = ObjectName(digest: .zero, length: offset + UInt32(data.count))
      let offer = ObjectOffer(kind: .model, name: name, round: 0)
      _ = pair.gateway.session.enqueue(.offer(Offer(transfer: number, object: offer)))
      pair.settle()
      let accepted = pair.board.session.accept(number, offer, held: offset, now: pair.now)
      #expect(accepted)
      if offset < 10_000 { pair.board.objects.expect(name) }
      let header = FrameHeader(kind: .chunk, session: 0x5678, sequence: 900)
      pair.board.receive(
        written { frame in
          Frame.begin(header, into: &frame)
          frame.append(contentsOf: vector.bytes("body").span)
          Frame.seal(&frame)
        }, now: pair.now)
      #expect(
        pair.board.events.last
          == (offset < 10_000 ? .received(number, offer) : .withdrawn(number, offer, .storageFailed)))
      guard offset < 10_000 else { continue }

      // Written: the number is that of the first transfer, or of the third.
      pair = DirectPair()
      let content = [UInt8](repeating: 0, count: Int(offset)) + data
      let ours = ObjectOffer(kind: .model, name: pair.gateway.objects.add(content), round: 0)
      while pair.gateway.session.offer(ours, now: pair.now) != number {
        pair.gateway.session.withdraw(1, because: .obsolete)
        pair.gateway.session.withdraw(2, because: .obsolete)
        pair.settle()
      }
      pair.settle()
      _ = pair.board.session.accept(number, ours, held: offset, now: pair.now)
      pair.gateway.receive(pair.board.allFrames(now: pair.now), now: pair.now)
      let chunk = pair.gateway.allFrames(now: pair.now).last!
      #expect(chunk[0] == FrameKind.chunk.rawValue)
      #expect(hex(copied(Frame.body(of: chunk.span))) == vector.text("body"))
    }
  }

  @Test func everyBitFlippedEveryCutAndEveryExtensionIsFound() {
    let good = written { frame in
      Frame.begin(FrameHeader(kind: .control, session: 7, sequence: 8), into: &frame)
      frame.append(contentsOf: SessionTests.content(40).span)
      Frame.seal(&frame)
    }
    for bit in 0..<8 * good.count {
      var damaged = good
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(refusal(damaged) == .checksum)
    }
    for length in 0..<good.count {
      #expect(refusal(Array(good[..<length])) == (length < Frame.overhead ? .truncated : .checksum))
    }
    #expect(refusal(good + [0]) == .checksum)
  }

  @Test func noBytesTrapTheParser() {
    var random = SeededGenerator(seed: 74)
    for _ in 0..<10_000 {
      let bytes = (0..<random.next() % 48).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      #expect(refusal(bytes) == (bytes.count < Frame.overhead ? .truncated : .checksum))
    }
  }
}
