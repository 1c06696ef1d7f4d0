import Datasets
import PropertyTesting
import Testing

@Suite struct DatasetFormatTests {
  @Test(arguments: 0..<100 as Range<UInt64>)
  func whatIsEncodedIsReadBack(seed: UInt64) throws {
    let dataset = try Dataset.sample(seed: seed)
    #expect(try Dataset(parsing: dataset.encode()) == dataset)
  }

  /// Byte for byte what Protocols/dataset-format.md says.
  @Test func theLayoutIsTheDocumentedOne() throws {
    let dataset = try Dataset(
      name: "xy", classNames: ["a", "ö"], featureWidth: 2,
      columns: [.init(name: "p", mean: 1, deviation: 2), .init(name: "q", mean: -1, deviation: 0.5)],
      labels: [1], groups: [0x0203], splits: [.test], features: .int8([-1, 127], scale: 0.5, zeroPoint: -3))
    let header: [UInt8] = [
      0x46, 0x42, 0x44, 0x53, 1, 0, 1, 0, 2, 0, 2, 0, 1, 0, 0, 0, 1, 0xFD, 0, 0, 0, 0, 0, 0x3F,
    ]
    let names: [UInt8] = [2, 0x78, 0x79, 1, 0x61, 2, 0xC3, 0xB6]
    let columns: [UInt8] =
      [1, 0x70, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40] + [1, 0x71, 0, 0, 0x80, 0xBF, 0, 0, 0, 0x3F]
    let example: [UInt8] = [1, 3, 2, 1, 0xFF, 0x7F]
    #expect(Array(dataset.encode().dropLast(4)) == header + names + columns + example)
  }

  @Test func everyCutIsDamage() throws {
    let bytes = try Dataset.sample(seed: 1, examples: 12...12).encode()
    for length in 0..<bytes.count {
      let error = #expect(throws: DatasetError.self) { try Dataset(parsing: Array(bytes[..<length])) }
      #expect(error?.code == (length < 4 ? .notADataset : .damaged), "cut to \(length)")
    }
    #expect(throws: DatasetError.self) { try Dataset(parsing: bytes + [0]) }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func everyFlippedBitIsNoticed(seed: UInt64) throws {
    let bytes = try Dataset.sample(seed: seed, examples: 5...15).encode()
    for bit in 0..<bytes.count * 8 {
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: DatasetError.self, "bit \(bit)") { try Dataset(parsing: changed) }
    }
  }

  /// Total: arbitrary bytes, and arbitrary bytes behind a sound beginning, end with an answer.
  @Test(arguments: 0..<400 as Range<UInt64>)
  func arbitraryBytesAreRefused(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let noise = (0..<Int.random(in: 0...400, using: &random)).map { _ in
      UInt8.random(in: 0...255, using: &random)
    }
    #expect(throws: DatasetError.self) { try Dataset(parsing: noise) }
    let sound = try Dataset.sample(seed: seed % 7).encode()
    let kept = Int.random(in: 0...min(60, sound.count), using: &random)
    #expect(throws: DatasetError.self) { try Dataset(parsing: Array(sound[..<kept]) + noise) }
  }

  @Test func aHeaderThatPromisesMuchTakesNoMemory() throws {
    var bytes = try Dataset.sample(seed: 1, examples: 3...3).encode()
    for i in 8..<16 { bytes[i] = 0xFF }  // 65,535 features, 65,535 classes, 2³² − 1 examples
    let error = #expect(throws: DatasetError.self) { try Dataset(parsing: bytes) }
    #expect(error?.code == .damaged)
  }

  func message(_ bytes: [UInt8]) -> String {
    let error = #expect(throws: DatasetError.self) { try Dataset(parsing: bytes) }
    return error?.description ?? ""
  }

  @Test func damageSaysWhatIsWrongAndWhatToDo() throws {
    let bytes = try Dataset.named("digits").encode()
    #expect(message(Array("PK\u{3}\u{4} a zip file".utf8)).contains("does not begin with FBDS"))
    #expect(message(Array(bytes[..<60_000])).contains("cut off in its features"))
    #expect(message(Array(bytes[..<30])).contains("cut off in its name"))
    var changed = bytes
    changed[100_000] ^= 0x10
    #expect(message(changed).contains("checksum is wrong"))
    #expect(message(changed).contains("copy the file again"))
    #expect(message(bytes + [1, 2]).contains("2 bytes follow its end"))
    var newer = bytes
    newer[4] = 2
    #expect(message(newer).contains("version 2"))
    #expect(message(newer).contains("update FedBridge"))
    #expect(message(newer).contains("[dataset-version]"))
  }

  @Test func partsThatDoNotFitAreRefused() throws {
    func refusal(
      name: String = "n", classNames: [String] = ["a", "b"], width: Int = 1, labels: [UInt8] = [0, 1],
      groups: [UInt16] = [0, 0], features: Dataset.Features = .float32([0, 1]), columns: [Dataset.Column] = []
    ) -> String {
      let error = #expect(throws: DatasetError.self) {
        try Dataset(
          name: name, classNames: classNames, featureWidth: width, columns: columns, labels: labels,
          groups: groups, splits: [.train, .test], features: features)
      }
      #expect(error?.code == .inconsistent)
      return error?.cause ?? ""
    }
    #expect(refusal(name: "") == "its name is empty")
    #expect(refusal(name: "two\nlines") == "its name has a control character")
    #expect(refusal(name: String(repeating: "ä", count: 128)).contains("256 bytes"))
    #expect(refusal(classNames: []).contains("0 classes"))
    #expect(refusal(classNames: ["a"]) == "example 1 is of class 1, but there are 1 classes")
    #expect(refusal(width: 0).contains("0 features"))
    #expect(refusal(groups: [0]).contains("1 groups"))
    #expect(refusal(features: .float32([0])).contains("1 feature values"))
    #expect(refusal(features: .float32([0, .nan])) == "example 1 holds nan")
    #expect(refusal(features: .int8([0, 0], scale: 0, zeroPoint: 0)).contains("scale 0.0"))
    let column = Dataset.Column(name: "c", mean: 0, deviation: 0)
    #expect(refusal(columns: [column]).contains("deviation 0.0"))
    #expect(refusal(columns: [column, column]).contains("2 of 1 features"))
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func theUnionOfShardsHasAllTheirExamples(seed: UInt64) throws {
    let dataset = try Dataset.sample(seed: seed, examples: 20...100)
    let shards = try dataset.shards(.iid(boards: 3, seed: seed))
    let union = try #require(Dataset.union(of: shards))
    #expect(union.numbers == shards.flatMap(\.numbers))
    #expect(union.labels == shards.flatMap(\.labels))
    #expect(try Dataset(parsing: union.encode()) == union)
  }

  @Test func thereIsNoUnionOfNothingOrOfDifferentKinds() throws {
    #expect(Dataset.union(of: []) == nil)
    #expect(try Dataset.union(of: [.named("digits"), .named("exercises")]) == nil)
  }
}
