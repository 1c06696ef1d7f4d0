import Bytes
import PropertyTesting
import Testing
import TrainingCore
import UpdateCodec

@Suite struct DifferenceTests {
  /// For each kind of difference: several models, all codings.
  private func forAll(
    seed: UInt64, _ body: (String, UpdateCoding, ModelDescription, [Float]) throws -> Void
  ) throws {
    var random = SeededGenerator(seed: seed)
    for kind in Differences.kinds {
      for round in 0..<3 {
        let model =
          round == 0 ? try Differences.model(parameters: 2) : try Differences.model(&random)
        let values = Differences.values(kind, count: model.parameterCount, &random)
        for coding in Differences.codings { try body("\(kind), seed \(seed)", coding, model, values) }
      }
    }
  }

  @Test func nothingIsLostWhereNothingMayBeLost() throws {
    try forAll(seed: 11) { why, coding, model, values in
      guard coding == .float32 || coding == .lossless else { return }
      var residual = values
      let code = codeDifference(&residual, coding, for: model)
      let decoded = try decodeDifference(code, from: 0, coding: coding, for: model)
      #expect(Differences.bits(decoded) == Differences.bits(values), "\(why)")
      #expect(Differences.bits(residual).allSatisfy { $0 == 0 }, "\(why)")
    }
  }

  @Test func whatIsDecodedAndWhatIsLeftAreTheDifference() throws {
    try forAll(seed: 12) { why, coding, model, values in
      guard coding != .float32 && coding != .lossless else { return }
      var residual = values
      let code = codeDifference(&residual, coding, for: model)
      let decoded = try decodeDifference(code, from: 0, coding: coding, for: model)
      let expected = zip(values, decoded).map { $0.isFinite ? $0 - $1 : 0 }
      #expect(Differences.bits(residual) == Differences.bits(expected), "\(why), \(coding)")
      #expect(decoded.allSatisfy { $0.isFinite }, "\(why), \(coding)")
    }
  }

  @Test func aStepIsRoundedToTheNearestOrToTheLowerNeighbour() throws {
    try forAll(seed: 13) { why, coding, model, values in
      guard case .step(let sixteenths) = coding else { return }
      var residual = values
      let code = codeDifference(&residual, coding, for: model)
      let step = Float(bitPattern: (UInt32(code[0]) | UInt32(code[1]) << 8) << 15)
      let finite = values.filter(\.isFinite).map(Double.init)
      let rms = (finite.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
      let wanted = min(rms * Double(sixteenths) / 16, Double(Float(bitPattern: 0xfeff << 15)))
      // Half a unit of the coded scale's last place, and float32's own roundings.
      #expect(abs(Double(step) - wanted) <= max(wanted * 0.0021, 0x1p-135), "\(why), \(coding)")
      for (value, rest) in zip(values, residual) where value.isFinite && step > 0 {
        // One step less where rounding up would lead past the largest float.
        let most = abs(value) + step < .infinity ? 0.601 : 1.001
        #expect(abs(Double(rest)) <= max(most * Double(step), Double(abs(value)) * 1e-6), "\(why), \(coding)")
      }
    }
  }

  @Test func theLargestAreKeptAndTiesByPlace() throws {
    try forAll(seed: 14) { why, coding, model, values in
      guard case .stc(let oneIn) = coding else { return }
      var residual = values
      let code = codeDifference(&residual, coding, for: model)
      let decoded = try decodeDifference(code, from: 0, coding: coding, for: model)
      let magnitude = Float(bitPattern: (UInt32(code[0]) | UInt32(code[1]) << 8) << 15)
      let count = max(1, (values.count + Int(oneIn) / 2) / Int(oneIn))
      // A stable order, so that of equal ones the first come first.
      let order = values.indices.filter { values[$0].isFinite && values[$0] != 0 }
        .sorted { (values[$0].magnitude, $1) > (values[$1].magnitude, $0) }
      let kept = Set(order.prefix(count))
      let mean = kept.reduce(0.0) { $0 + Double(values[$1].magnitude) } / Double(max(1, kept.count))
      let wanted = min(mean, Double(Float(bitPattern: 0xfeff << 15)))
      #expect(abs(Double(magnitude) - wanted) <= max(wanted * 0.0021, 0x1p-135), "\(why), \(coding)")
      for (i, value) in values.enumerated() {
        let expected = kept.contains(i) ? (value < 0 ? -magnitude : magnitude) : 0
        #expect(decoded[i] == expected, "\(why), \(coding), value \(i)")
      }
    }
  }

  @Test func piecesGiveTheSameValuesAsTheWhole() throws {
    var random = SeededGenerator(seed: 15)
    try forAll(seed: 16) { why, coding, model, values in
      var residual = values
      let code = codeDifference(&residual, coding, for: model)
      let whole = try decodeDifference(code, from: 0, coding: coding, for: model)
      for _ in 0..<4 {
        let pieces = try Differences.decode(code, coding, for: model) {
          (Int(random.next() % 200), Int(random.next() % 60))
        }
        #expect(Differences.bits(pieces) == Differences.bits(whole), "\(why), \(coding)")
      }
    }
  }

  @Test func everyBoundaryOfTheInputGivesTheSameValues() throws {
    var random = SeededGenerator(seed: 17)
    let model = try Differences.model(parameters: 120)
    let values = Differences.values("any bits", count: 120, &random).map { $0.isFinite ? $0 : 1 }
    for coding in Differences.codings {
      var residual = values
      let code = codeDifference(&residual, coding, for: model)
      let whole = try decodeDifference(code, from: 0, coding: coding, for: model)
      for cut in 0...code.count {
        var decoder = DifferenceDecoder(coding, for: model)
        var decoded = [Float](repeating: 0, count: 120)
        var span = decoded.mutableSpan
        let first = try decoder.decode(code.span.extracting(0..<cut), isLast: false, into: &span)
        var rest = span._mutatingExtracting(first.produced..<120)
        let second = try decoder.decode(
          code.span.extracting(first.consumed..<code.count), isLast: true, into: &rest)
        #expect(first.consumed + second.consumed == code.count && decoder.isComplete)
        #expect(Differences.bits(decoded) == Differences.bits(whole), "\(coding), cut at \(cut)")
      }
    }
  }

  @Test func aCallAppendsNoMoreThanItMay() throws {
    var random = SeededGenerator(seed: 18)
    let model = try Differences.model(parameters: 1500)
    for kind in Differences.kinds {
      let values = Differences.values(kind, count: 1500, &random)
      for coding in Differences.codings {
        var whole = values
        let code = codeDifference(&whole, coding, for: model)
        var residual = values
        var span = residual.mutableSpan
        var encoder = DifferenceEncoder(coding, for: model)
        var pieces: [UInt8] = []
        var more = true
        while more {
          // What is in the buffer before does not matter.
          let held = Int(random.next() % 9)
          var output = BoundedBytes(capacity: held + DifferenceEncoder.outputRoom)
          output.appendZeros(held)
          more = encoder.work(on: &span, into: &output)
          let fits = !output.overflowed
          #expect(fits)
          pieces += output.copied()[held...]
        }
        var nothing = BoundedBytes(capacity: 0)
        let done = !encoder.work(on: &span, into: &nothing) && !nothing.overflowed
        #expect(done)
        #expect(pieces == code && Differences.bits(residual) == Differences.bits(whole), "\(kind), \(coding)")
      }
    }
  }

  @Test func encoderAndDecoderAreSmall() {
    #expect(DifferenceEncoder.stateBytes <= 1400)
    #expect(DifferenceDecoder.stateBytes <= 1400)
    #expect(DifferenceEncoder.outputRoom <= 2048 && DifferenceDecoder.inputRoom <= 128)
  }

  @Test func usualDifferencesBecomeSmall() throws {
    var random = SeededGenerator(seed: 19)
    let model = try ModelDescription(inputWidth: 256, classes: 10)
    let values = Differences.values("usual", count: 2570, &random)
    func length(_ coding: UpdateCoding) -> Int {
      var residual = values
      return codeDifference(&residual, coding, for: model).count
    }
    #expect(length(.float32) == 10_280)
    #expect(length(.lossless) < 9500)
    #expect(length(.defaultStep) < 10_280 / 20)
    #expect(length(.defaultSTC) < 10_280 / 80)
  }

  @Test func whatIsAllZeroTakesNearlyNothing() throws {
    let model = try Differences.model(parameters: 4000)
    for coding in Differences.codings where coding != .float32 {
      var residual = [Float](repeating: 0, count: 4000)
      #expect(codeDifference(&residual, coding, for: model).count < 120, "\(coding)")
    }
  }
}
