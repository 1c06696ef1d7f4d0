import Bytes
import Digests
import PropertyTesting
import Testing
import UpdateCodec

/// What both headers share, so that each is held to the same properties.
private protocol ObjectHeader: Equatable {
  static var maximumLength: Int { get }
  var length: Int { get }
  func encode(into buffer: inout BoundedBytes)
  init(parsing bytes: Span<UInt8>) throws(UpdateError)
  static func random(_ random: inout SeededGenerator) -> Self
}

/// Numbers of all lengths.
private func magnitude(_ random: inout SeededGenerator) -> UInt32 {
  UInt32(truncatingIfNeeded: random.next()) >> UInt32(random.next() % 33)
}

private func anyCoding(_ random: inout SeededGenerator) -> UpdateCoding {
  switch random.next() % 4 {
  case 0: .float32
  case 1: .lossless
  case 2: .step(sixteenths: UInt8(truncatingIfNeeded: random.next() | 1))
  default: .stc(oneIn: UInt16(truncatingIfNeeded: random.next() | 2))
  }
}

extension UpdateHeader: ObjectHeader {
  static func random(_ random: inout SeededGenerator) -> Self {
    UpdateHeader(
      coding: anyCoding(&random), round: magnitude(&random), examples: magnitude(&random),
      parameterCount: magnitude(&random) % 0x0100_0001,
      loss: Float(bitPattern: UInt32(truncatingIfNeeded: random.next())),
      base: DigestTag(rawValue: random.next()))
  }
}

extension DeltaHeader: ObjectHeader {
  static func random(_ random: inout SeededGenerator) -> Self {
    DeltaHeader(
      coding: anyCoding(&random), version: magnitude(&random),
      parameterCount: magnitude(&random) % 0x0100_0001,
      base: DigestTag(rawValue: random.next()), result: DigestTag(rawValue: random.next()))
  }
}

@Suite struct UpdateHeaderTests {
  private func refusal<Header: ObjectHeader>(_ bytes: [UInt8], as: Header.Type) -> UpdateError? {
    do throws(UpdateError) {
      _ = try Header(parsing: bytes.span)
      return nil
    } catch {
      return error
    }
  }

  private func comesBack<Header: ObjectHeader>(_: Header.Type, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
      let header = Header.random(&random)
      let bytes = written { header.encode(into: &$0) }
      #expect(bytes.count == header.length && bytes.count <= Header.maximumLength, "seed \(seed)")
      // Whatever follows belongs to the code.
      let more = bytes + [UInt8](repeating: 0xff, count: Int(random.next() % 5))
      #expect(try Header(parsing: more.span) == header, "seed \(seed)")
      for length in 0..<bytes.count {
        #expect(refusal(Array(bytes[..<length]), as: Header.self) == .malformed, "seed \(seed)")
      }
      var mutated = bytes
      mutated[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      // What is read is the only way to write it.
      guard let read = try? Header(parsing: mutated.span) else { continue }
      #expect(written { read.encode(into: &$0) } == Array(mutated[..<read.length]), "seed \(seed)")
    }
  }

  @Test func randomUpdateHeadersComeBackTheSameAndEveryCutIsRefused() throws {
    try comesBack(UpdateHeader.self, seed: 93)
  }

  @Test func randomDeltaHeadersComeBackTheSameAndEveryCutIsRefused() throws {
    try comesBack(DeltaHeader.self, seed: 94)
  }

  @Test func aUsualHeaderIsShort() {
    let header = UpdateHeader(
      coding: .defaultSTC, round: 40, examples: 1000, parameterCount: 2570, loss: 0.5,
      base: DigestTag(rawValue: 1))
    #expect(header.length == 21)
  }

  @Test func theTagIsTheBeginningOfTheDigest() {
    let digest = Digest32(Array(UInt8(0)..<32).span)!
    #expect(DigestTag(digest).rawValue == 0x0706_0504_0302_0100)
    let header = DeltaHeader(
      coding: .float32, version: 1, parameterCount: 0, base: DigestTag(digest), result: DigestTag(digest))
    #expect(Array(written { header.encode(into: &$0) }.suffix(8)) == Array(0..<8))
  }

  @Test func parametersOutOfRangeCountAsTheNearestInIt() throws {
    #expect(UpdateCoding.step(sixteenths: 0).parameter == 1)
    #expect(UpdateCoding.stc(oneIn: 0).parameter == 2 && UpdateCoding.stc(oneIn: 1).parameter == 2)
    #expect(UpdateCoding(code: 2, parameter: 0) == nil && UpdateCoding(code: 2, parameter: 256) == nil)
    #expect(UpdateCoding(code: 3, parameter: 1) == nil && UpdateCoding(code: 4, parameter: 0) == nil)
    #expect(UpdateCoding(code: 0, parameter: 1) == nil && UpdateCoding(code: 1, parameter: 1) == nil)
  }

  @Test func aSetOfCodingsLooksAtTheCodeOnly() {
    let set: CodingSet = [.float32, .stc]
    #expect(set.contains(UpdateCoding.float32) && set.contains(UpdateCoding.stc(oneIn: 7)))
    #expect(!set.contains(UpdateCoding.lossless) && !set.contains(UpdateCoding.step(sixteenths: 3)))
    #expect(CodingSet.all.rawValue == 0b1111)
  }
}
