import Bytes
import Testing
import TrainingCore

@Suite struct ModelDescriptionTests {
  private func encoded(_ model: ModelDescription) -> [UInt8] {
    var buffer = BoundedBytes(capacity: ModelDescription.maximumEncodedLength)
    model.encode(into: &buffer)
    let overflowed = buffer.overflowed
    #expect(!overflowed)
    return (0..<buffer.count).map { buffer.span[$0] }
  }

  private func parse(_ bytes: [UInt8]) throws(ModelError) -> ModelDescription {
    try ModelDescription(parsing: bytes.span)
  }

  private func stack(_ widths: [Int]) throws(ModelError) -> ModelDescription {
    try ModelDescription(inputWidth: 30, widths: widths.span)
  }

  private func randomModel(_ random: inout SplitMix64) throws -> ModelDescription {
    func below(_ bound: UInt64) -> Int { Int(random.next() % bound) }
    let input: InputFormat =
      below(2) == 0 ? .float32 : .int8(scale: Float(below(1000) + 1) / 256, zeroPoint: Int8(below(256) - 128))
    var model = try ModelDescription(inputWidth: 1 + below(4096), input: input)
    for _ in 0...below(6) {
      try model.append(outputs: 1 + below(4096), activation: below(2) == 0 ? .none : .relu)
    }
    return model
  }

  @Test func whatWasEncodedIsParsedToTheSameModel() throws {
    var random = SplitMix64(seed: 11)
    for round in 0..<500 {
      let model = try randomModel(&random)
      let parsed = try parse(encoded(model))
      #expect(parsed == model, "seed 11, round \(round)")
    }
  }

  @Test func theFormatIsWhatItsCommentSays() throws {
    let model = try ModelDescription(
      inputWidth: 0x102, hidden: 16, classes: 7, input: .int8(scale: 0.5, zeroPoint: -2))
    #expect(
      encoded(model) == [1, 0, 1, 0, 0, 0, 0x3f, 0xfe, 0x02, 0x01, 2, 16, 0, 1, 7, 0, 0])
  }

  @Test func theLargestModelFillsTheMaximumLength() throws {
    let model = try ModelDescription(
      4096, [4096, 1, 2, 3, 4, 4096], input: .int8(scale: 1, zeroPoint: 0))
    #expect(encoded(model).count == ModelDescription.maximumEncodedLength)
  }

  @Test func noTruncationAndNoExtraByteIsTakenForAModel() throws {
    let whole = encoded(try ModelDescription(30, [16, 7]))
    for length in 0..<whole.count {
      #expect(throws: ModelError.malformed) { try parse(Array(whole[..<length])) }
    }
    #expect(throws: ModelError.malformed) { try parse(whole + [0]) }
  }

  @Test func randomAndMutatedBytesAreParsedOrRefusedButNeverTrap() throws {
    var random = SplitMix64(seed: 12)
    var accepted = 0
    for round in 0..<20_000 {
      var bytes: [UInt8]
      if round % 2 == 0 {
        bytes = (0..<Int(random.next() % 40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        if !bytes.isEmpty && round % 4 == 0 { bytes[0] = 1 }
      } else {
        bytes = encoded(try randomModel(&random))
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      guard let model = try? parse(bytes) else { continue }
      // What is accepted is a model that is written the same way again.
      accepted += 1
      #expect(encoded(model) == bytes, "seed 12, round \(round)")
      #expect(model.layerCount >= 1 && model.parameterCount > 0)
    }
    #expect(accepted > 1000)
  }

  @Test func errorsNameWhatIsWrong() throws {
    #expect(throws: ModelError.unsupportedVersion(2)) { try parse([2, 0, 0]) }
    #expect(throws: ModelError.widthOutOfRange(0)) { try ModelDescription(inputWidth: 0) }
    #expect(throws: ModelError.widthOutOfRange(4097)) { try ModelDescription(inputWidth: 4097) }
    #expect(throws: ModelError.widthOutOfRange(-1)) { try ModelDescription(inputWidth: 1, classes: -1) }
    #expect(throws: ModelError.noLayers) { try stack([]) }
    #expect(throws: ModelError.tooManyLayers) { try stack([1, 1, 1, 1, 1, 1, 1]) }
    for scale in [0, -1, Float.nan, .infinity] {
      #expect(throws: ModelError.malformed) {
        try ModelDescription(inputWidth: 1, input: .int8(scale: scale, zeroPoint: 0))
      }
    }
    #expect(throws: ModelError.noLayers) {
      try MemoryPlan(evaluating: ModelDescription(inputWidth: 1), arena: 10)
    }
  }

  @Test func parametersAreCountedLayerByLayer() throws {
    let model = try ModelDescription(30, [16, 7])
    #expect(model.parameterCount == 30 * 16 + 16 + 16 * 7 + 7)
    #expect(model.outputWidth == 7)
    let hidden = model.layer(0)
    #expect(hidden.inputs == 30 && hidden.outputs == 16 && hidden.activation == .relu)
    #expect(try stack([16, 7]) == model)
    #expect(try ModelDescription(inputWidth: 30, hidden: 16, classes: 7) == model)
    #expect(try ModelDescription(30, [7]) == ModelDescription(inputWidth: 30, classes: 7))
    #expect(try ModelDescription(30, [16, 8]) != model)
  }
}
