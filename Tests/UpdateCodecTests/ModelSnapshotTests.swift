import Bytes
import Digests
import Testing
import TrainingCore
import UpdateCodec

@Suite struct ModelSnapshotTests {
  private func refusal(_ bytes: [UInt8], length: Int? = nil) -> SnapshotError? {
    do throws(SnapshotError) {
      _ = try ModelSnapshot(parsing: bytes.span, length: length ?? bytes.count)
      return nil
    } catch {
      return error
    }
  }

  private func name(_ error: SnapshotError?) -> String {
    switch error {
    case nil: return "accepted"
    case .malformed: return "malformed"
    case .unsupportedVersion: return "unsupportedVersion"
    case .description: return "description"
    case .wrongLength: return "wrongLength"
    }
  }

  static func model(_ random: inout SplitMix64) throws -> ModelDescription {
    let input =
      random.next() & 1 == 0
      ? InputFormat.float32
      : .int8(
        scale: Float(Int(random.next() % 100) + 1) / 64, zeroPoint: Int8(truncatingIfNeeded: random.next()))
    var model = try ModelDescription(inputWidth: Int(random.next() % 4096) + 1, input: input)
    for _ in 0...random.next() % 6 {
      try model.append(
        outputs: Int(random.next() % 4096) + 1, activation: random.next() & 1 == 0 ? .relu : .none)
    }
    return model
  }

  private func image(_ bits: [UInt32]) -> [UInt8] {
    bits.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
  }

  // MARK: Descriptions

  @Test func descriptionsAreReadAndWrittenAsTheVectorsSay() throws {
    for vector in try Vectors.list("descriptions") {
      let bytes = vector.bytes("hex")
      let model = try ModelDescription(parsing: bytes.span)
      #expect(model.inputWidth == vector.integer("input_width"))
      #expect(model.parameterCount == vector.integer("parameters"))
      let layers = vector["layers"] as! [[String: Any]]
      #expect(model.layerCount == layers.count)
      for (i, layer) in layers.enumerated() {
        #expect(model.layer(i).outputs == layer.integer("outputs"))
        #expect(model.layer(i).activation.rawValue == layer.integer("activation"))
      }
      let input: InputFormat =
        vector["scale"] == nil
        ? .float32 : .int8(scale: vector.float("scale"), zeroPoint: vector.integer("zero_point"))
      #expect(model.input == input)
      #expect(hex(written { model.encode(into: &$0) }) == hex(bytes))
    }
  }

  @Test func whatIsNoDescriptionIsRefusedForItsOwnReason() throws {
    for vector in try Vectors.list("descriptions_refused") {
      var refusal = "accepted"
      do throws(ModelError) {
        _ = try ModelDescription(parsing: vector.bytes("hex").span)
      } catch {
        switch error {
        case .malformed: refusal = "malformed"
        case .unsupportedVersion: refusal = "unsupportedVersion"
        case .tooManyLayers: refusal = "tooManyLayers"
        case .noLayers: refusal = "noLayers"
        case .widthOutOfRange: refusal = "widthOutOfRange"
        case .doesNotFit: refusal = "doesNotFit"
        }
      }
      #expect(refusal == vector.text("error"), "\(vector.text("why"))")
    }
  }

  // MARK: Headers

  @Test func snapshotsAreReadAndWrittenAsTheVectorsSay() throws {
    for vector in try Vectors.list("snapshots") {
      let (bytes, bits) = (vector.bytes("hex"), vector.bits("parameters"))
      let read = try ModelSnapshot(parsing: bytes.span, length: bytes.count)
      let model = try ModelDescription(parsing: vector.bytes("description").span)
      let made = ModelSnapshot(version: vector.integer("version"), model: model)
      #expect(read == made)
      #expect(made.length == bytes.count && made.headerLength == vector.integer("header_length"))
      #expect(hex(written { made.encodeHeader(into: &$0) } + image(bits)) == hex(bytes))
      #expect("\(SHA256.hash(of: bytes.span))" == vector.text("digest"))
      var parameters = [Float](repeating: 0, count: bits.count)
      var span = parameters.mutableSpan
      ModelSnapshot.readParameters(bytes.span.extracting(made.headerLength..<bytes.count), into: &span)
      #expect(parameters.map(\.bitPattern) == bits)
    }
  }

  @Test func whatIsNoSnapshotIsRefusedForItsOwnReason() throws {
    for vector in try Vectors.list("snapshots_refused") {
      #expect(name(refusal(vector.bytes("hex"))) == vector.text("error"), "\(vector.text("why"))")
    }
  }

  @Test func headersOfRandomModelsComeBackTheSame() throws {
    let seed: UInt64 = 91
    var random = SplitMix64(seed: seed)
    for _ in 0..<500 {
      let snapshot = ModelSnapshot(
        version: UInt32(truncatingIfNeeded: random.next()), model: try Self.model(&random))
      let header = written { snapshot.encodeHeader(into: &$0) }
      #expect(header.count == snapshot.headerLength && header.count % 4 == 0)
      #expect(header.count <= ModelSnapshot.maximumHeaderLength)
      // The beginning of the object is enough, with or without parameters after the header.
      let more = header + [UInt8](repeating: 0xff, count: Int(random.next() % 9))
      #expect(try ModelSnapshot(parsing: header.span, length: snapshot.length) == snapshot, "seed \(seed)")
      #expect(try ModelSnapshot(parsing: more.span, length: snapshot.length) == snapshot, "seed \(seed)")
      #expect(
        refusal(header, length: snapshot.length + 1)
          == .wrongLength(expected: snapshot.length, actual: snapshot.length + 1))
      for length in 0..<header.count {
        #expect(refusal(Array(header[..<length]), length: snapshot.length) == .malformed)
      }
    }
  }

  @Test func noMutationTrapsAndWhatIsAcceptedIsWrittenTheSame() throws {
    let seed: UInt64 = 92
    var random = SplitMix64(seed: seed)
    for _ in 0..<300 {
      let snapshot = ModelSnapshot(version: 5, model: try Self.model(&random))
      let header = written { snapshot.encodeHeader(into: &$0) }
      for at in 0..<header.count {
        var mutated = header
        mutated[at] = UInt8(truncatingIfNeeded: random.next())
        guard let read = try? ModelSnapshot(parsing: mutated.span, length: snapshot.length) else { continue }
        #expect(written { read.encodeHeader(into: &$0) } == mutated, "seed \(seed)")
      }
    }
  }

  // MARK: Parameters

  @Test func anyPartOfTheParametersIsWrittenAsItLiesInTheWhole() {
    let bits: [UInt32] = [0x0403_0201, 0x8000_0000, 0x7fc0_0001, 0xff80_0000, 0x1234_5678]
    let parameters = bits.map { Float(bitPattern: $0) }
    let whole = image(bits)
    for start in 0...whole.count {
      for end in start...whole.count {
        var part = [UInt8](repeating: 0xee, count: end - start)
        var span = part.mutableSpan
        ModelSnapshot.writeBytes(of: parameters.span, from: start, into: &span)
        #expect(part == Array(whole[start..<end]))
      }
    }
  }

  @Test func parametersAreReadAsFarAsThereAreBytesAndRoom() {
    let bits: [UInt32] = [0x0403_0201, 0x7fc0_0001, 0x1234_5678]
    let whole = image(bits)
    for count in 0...whole.count {
      for room in 0...4 {
        var parameters = [Float](repeating: 7, count: room)
        var span = parameters.mutableSpan
        ModelSnapshot.readParameters(whole.span.extracting(0..<count), into: &span)
        let read = min(count / 4, room)
        let rest = [UInt32](repeating: Float(7).bitPattern, count: room - read)
        #expect(parameters.map(\.bitPattern) == bits[..<read] + rest)
      }
    }
  }
}
