import Bytes
import Digests
import Testing
import UpdateCodec

@Suite struct UpdateHeaderTests {
  private func refusal(_ bytes: [UInt8]) -> UpdateError? {
    do throws(UpdateError) {
      _ = try UpdateHeader(parsing: bytes.span)
      return nil
    } catch {
      return error
    }
  }

  private func name(_ error: UpdateError?) -> String {
    switch error {
    case nil: return "accepted"
    case .malformed: return "malformed"
    case .unsupportedVersion: return "unsupportedVersion"
    case .unsupportedCoding: return "unsupportedCoding"
    case .wrongLength: return "wrongLength"
    }
  }

  private func random(_ random: inout SplitMix64) -> UpdateHeader {
    let base = (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    return UpdateHeader(
      coding: .float32, round: UInt32(truncatingIfNeeded: random.next()),
      examples: UInt32(truncatingIfNeeded: random.next()), parameterCount: UInt32(random.next() % 20),
      loss: Float(Int(random.next() % 1000)) / 64, base: Digest32(base.span)!)
  }

  @Test func updatesAreReadAndWrittenAsTheVectorsSay() throws {
    for vector in try Vectors.list("updates") {
      let (bytes, bits) = (vector.bytes("hex"), vector.bits("parameters"))
      let read = try UpdateHeader(parsing: bytes.span)
      #expect(read.coding.rawValue == vector.integer("coding"))
      #expect(read.round == vector.integer("round"))
      #expect(read.examples == vector.integer("examples"))
      #expect(read.parameterCount == UInt32(bits.count))
      #expect(read.loss.bitPattern == vector.float("loss").bitPattern)
      #expect("\(read.base)" == vector.text("base"))
      #expect(read.objectLength == bytes.count)
      let header = written { read.encode(into: &$0) }
      #expect(hex(header) == hex(Array(bytes[..<UpdateHeader.length])))
      #expect("\(SHA256.hash(of: bytes.span))" == vector.text("digest"))
      var parameters = [Float](repeating: 0, count: bits.count)
      var span = parameters.mutableSpan
      ModelSnapshot.readParameters(bytes.span.extracting(UpdateHeader.length..<bytes.count), into: &span)
      #expect(parameters.map(\.bitPattern) == bits)
    }
  }

  @Test func whatIsNoUpdateIsRefusedForItsOwnReason() throws {
    for vector in try Vectors.list("updates_refused") {
      #expect(name(refusal(vector.bytes("hex"))) == vector.text("error"), "\(vector.text("why"))")
    }
  }

  @Test func randomHeadersComeBackTheSameAndEveryCutIsRefused() throws {
    let seed: UInt64 = 93
    var random = SplitMix64(seed: seed)
    for _ in 0..<300 {
      let header = self.random(&random)
      let coded = [UInt8](repeating: 0x5a, count: 4 * Int(header.parameterCount))
      let whole = written { header.encode(into: &$0) } + coded
      #expect(try UpdateHeader(parsing: whole.span) == header, "seed \(seed)")
      for length in 0..<whole.count {
        let expected: UpdateError =
          length < UpdateHeader.length ? .malformed : .wrongLength(expected: whole.count, actual: length)
        #expect(refusal(Array(whole[..<length])) == expected, "seed \(seed)")
      }
      #expect(refusal(whole + [0]) == .wrongLength(expected: whole.count, actual: whole.count + 1))
    }
  }

  @Test func noMutationTrapsAndWhatIsAcceptedIsWrittenTheSame() {
    let seed: UInt64 = 94
    var random = SplitMix64(seed: seed)
    for _ in 0..<300 {
      let header = self.random(&random)
      let whole =
        written { header.encode(into: &$0) } + [UInt8](repeating: 0, count: 4 * Int(header.parameterCount))
      for at in 0..<UpdateHeader.length {
        var mutated = whole
        mutated[at] = UInt8(truncatingIfNeeded: random.next())
        guard let read = try? UpdateHeader(parsing: mutated.span) else { continue }
        #expect(
          written { read.encode(into: &$0) } == Array(mutated[..<UpdateHeader.length]), "seed \(seed)")
      }
    }
  }
}
