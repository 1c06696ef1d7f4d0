import Bytes
import PropertyTesting
import Testing
import TrainingCore
import UpdateCodec

@Suite struct DifferenceFuzzTests {
  private let seed: UInt64 = 31

  private func outcome(
    _ code: [UInt8], _ coding: UpdateCoding, _ model: ModelDescription
  ) -> Result<[Float], UpdateError> {
    do throws(UpdateError) {
      return .success(try decodeDifference(code, from: 0, coding: coding, for: model))
    } catch {
      return .failure(error)
    }
  }

  private func sample(
    _ coding: UpdateCoding, _ random: inout SeededGenerator
  ) throws -> (ModelDescription, [UInt8]) {
    let model = try Differences.model(&random)
    let kind = random.chance(0.5) ? "usual" : "any bits"
    var values = Differences.values(kind, count: model.parameterCount, &random)
    return (model, codeDifference(&values, coding, for: model))
  }

  /// That bytes are missing or left over is noticed at the end, but until then they mean something: another error
  /// may come first, and a few cuts are whole codes of other values. (Objects are verified by their digests.)
  private func judge(
    _ changed: [UInt8], of code: [UInt8], _ coding: UpdateCoding, _ model: ModelDescription
  ) throws -> Bool {
    switch outcome(changed, coding, model) {
    case .success(let values):
      let original = try decodeDifference(code, from: 0, coding: coding, for: model)
      #expect(Differences.bits(values) != Differences.bits(original), "\(coding), seed \(seed)")
      return true
    case .failure(.wrongLength(let expected, let actual)):
      #expect(expected != actual && actual <= changed.count, "\(coding), seed \(seed)")
    case .failure: #expect(coding != .float32)
    }
    return false
  }

  @Test func cutsAreRefusedOrTheCodeOfOtherValues() throws {
    var random = SeededGenerator(seed: seed)
    var (cuts, accepted) = (0, 0)
    for coding in Differences.codings {
      for _ in 0..<8 {
        let (model, code) = try sample(coding, &random)
        for length in 0..<code.count {
          cuts += 1
          if try judge(Array(code[..<length]), of: code, coding, model) { accepted += 1 }
        }
      }
    }
    #expect(accepted < cuts / 100)
  }

  @Test func whatFollowsTheEndIsRefusedOrMakesItTheCodeOfOtherValues() throws {
    var random = SeededGenerator(seed: seed + 1)
    for coding in Differences.codings {
      for _ in 0..<50 {
        let (model, code) = try sample(coding, &random)
        // Zeros change no value: they are nothing but too much.
        for more in [1, 2, 5, 300] {
          let longer = code + [UInt8](repeating: 0, count: more)
          #expect(
            outcome(longer, coding, model)
              == .failure(.wrongLength(expected: code.count, actual: longer.count)), "\(coding)")
          let noise = (0..<more).map { _ in UInt8(truncatingIfNeeded: random.next()) }
          _ = try judge(code + noise, of: code, coding, model)
        }
        // Also when the end is not announced.
        var decoder = DifferenceDecoder(coding, for: model)
        var values = [Float](repeating: 0, count: model.parameterCount)
        var span = values.mutableSpan
        #expect(throws: UpdateError.wrongLength(expected: code.count, actual: code.count + 300)) {
          let longer = code + [UInt8](repeating: 0, count: 300)
          _ = try decoder.decode(longer.span, isLast: false, into: &span)
        }
      }
    }
  }

  @Test func aDecoderThatIsCompleteTakesNothingMore() throws {
    let model = try Differences.model(parameters: 9)
    for coding in Differences.codings {
      var values = [Float](repeating: 0.5, count: 9)
      let code = codeDifference(&values, coding, for: model)
      var decoder = DifferenceDecoder(coding, for: model)
      var span = values.mutableSpan
      _ = try decoder.decode(code.span, isLast: true, into: &span)
      #expect(decoder.isComplete)
      let nothing = try decoder.decode([UInt8]().span, isLast: true, into: &span)
      #expect(nothing == (0, 0))
      #expect(throws: UpdateError.wrongLength(expected: code.count, actual: code.count + 1)) {
        _ = try decoder.decode([0 as UInt8].span, isLast: true, into: &span)
      }
    }
  }

  /// Whatever is accepted gives as many values as the model has, finite ones unless the coding keeps all bits;
  /// and where every value can be told from its code, it is the only code of them.
  @Test func mutatedCodesGiveAnErrorOrValues() throws {
    var random = SeededGenerator(seed: seed + 2)
    var accepted = 0
    for coding in Differences.codings {
      for _ in 0..<300 {
        var (model, code) = try sample(coding, &random)
        for _ in 0...random.next() % 3 where !code.isEmpty {
          code[Int(random.next() % UInt64(code.count))] = UInt8(truncatingIfNeeded: random.next())
        }
        guard case .success(var values) = outcome(code, coding, model) else { continue }
        accepted += 1
        #expect(values.count == model.parameterCount)
        switch coding {
        case .float32, .lossless:
          #expect(codeDifference(&values, coding, for: model) == code, "seed \(seed)")
        case .step, .stc: #expect(values.allSatisfy { $0.isFinite }, "seed \(seed)")
        }
      }
    }
    #expect(accepted > 100)
  }

  @Test func noiseGivesAnErrorOrValues() throws {
    var random = SeededGenerator(seed: seed + 3)
    for coding in Differences.codings {
      for _ in 0..<500 {
        let model = try Differences.model(&random)
        let fill: UInt8? = random.chance(0.2) ? (random.chance(0.5) ? 0 : 0xff) : nil
        let noise = (0..<random.next() % 400).map { _ in fill ?? UInt8(truncatingIfNeeded: random.next()) }
        if case .success(let values) = outcome(noise, coding, model) {
          #expect(values.count == model.parameterCount)
        }
        // In pieces it ends as well.
        _ = try? Differences.decode(noise, coding, for: model) {
          (Int(random.next() % 100), Int(random.next() % 20))
        }
      }
    }
  }

  @Test func scalesThatAreNoNumberAreRefused() throws {
    let model = try Differences.model(parameters: 4)
    for coding in [UpdateCoding.defaultStep, .defaultSTC] {
      for scale: [UInt8] in [[0x00, 0xff], [0x80, 0xff], [0xff, 0xff]] {
        #expect(outcome(scale + [0, 0], coding, model) == .failure(.notFinite))
      }
    }
    // The largest scale is a number, twice as much is none.
    var values: [Float] = [0, 0, 0, 3]
    var code = codeDifference(&values, .step(sixteenths: 16), for: model)
    #expect(try decodeDifference(code, from: 0, coding: .step(sixteenths: 16), for: model)[3] > 1.5)
    (code[0], code[1]) = (0xff, 0xfe)
    #expect(outcome(code, .defaultStep, model) == .failure(.notFinite))
  }
}
