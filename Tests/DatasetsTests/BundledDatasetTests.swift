import Datasets
import Glibc
import Testing

@Suite struct BundledDatasetTests {
  @Test func digitsAreSmallImagesOfTenClasses() throws {
    let digits = try Dataset.named("digits")
    #expect(digits.count == 1797)
    #expect(digits.featureWidth == 64)
    #expect(digits.classNames == (0...9).map(String.init))
    guard case .int8(let pixels, 0.0625, 0) = digits.features else { throw Unexpected() }
    #expect(pixels.allSatisfy { (0...16).contains($0) })
    // A fifth of each digit is for the test.
    for label in 0..<10 as Range<UInt8> {
      let all = digits.labels.count { $0 == label }
      let test = digits.subset(.test).labels.count { $0 == label }
      #expect((0.19...0.21).contains(Double(test) / Double(all)))
    }
  }

  @Test func exercisesAreOfTenPeopleAndSevenClasses() throws {
    let exercises = try Dataset.named("exercises")
    #expect(exercises.count == 3605)
    #expect(exercises.featureWidth == 60)
    #expect(exercises.classNames.count == 7)
    #expect(exercises.columns.count == 60)
    #expect(Set(exercises.groups) == Set(1...10))
    // Everybody trains on every exercise, and has recordings in the test.
    let test = exercises.subset(.test)
    for person in 1...10 as ClosedRange<UInt16> {
      let training = exercises.subset(.train)
      #expect(Set(zip(training.groups, training.labels).filter { $0.0 == person }.map(\.1)).count == 7)
      #expect(Set(zip(test.groups, test.labels).filter { $0.0 == person }.map(\.1)).count == 3)
    }
    #expect(Set(test.labels).count == 7)
    #expect((0.2...0.25).contains(Double(test.count) / Double(exercises.count)))
  }

  @Test func exercisesAreStandardisedOverTheTrainingExamples() throws {
    let training = try Dataset.named("exercises").subset(.train)
    guard case .int8(let values, let scale, 0) = training.features else { throw Unexpected() }
    for column in 0..<training.featureWidth {
      let inputs = (0..<training.count).map {
        Double(values[$0 * training.featureWidth + column]) * Double(scale)
      }
      let mean = inputs.reduce(0, +) / Double(inputs.count)
      let variance = inputs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(inputs.count)
      // Not exactly 0 and 1: values beyond four deviations were clipped.
      #expect(abs(mean) < 0.06, "\(training.columns[column].name)")
      #expect((0.75...1.01).contains(variance.squareRoot()), "\(training.columns[column].name)")
    }
  }

  @Test(arguments: Dataset.bundledNames)
  func theBundledFilesAreEncodedAsThisModuleEncodes(name: String) throws {
    let dataset = try Dataset.named(name)
    #expect(dataset.name == name)
    #expect(try Dataset(parsing: dataset.encode()) == dataset)
  }

  @Test func anUnknownNameListsTheKnownOnes() throws {
    for name in ["mnist", "", "../digits", "digits.fbds", "digits\0"] {
      let error = #expect(throws: DatasetError.self) { try Dataset.named(name) }
      #expect(error?.code == .notFound)
      #expect(error?.description.contains("digits and exercises") == true)
    }
  }

  @Test func aDirectoryOfOnesOwnComesInsteadOfTheBundledOne() throws {
    try withTemporaryDirectory { directory in
      let error = #expect(throws: DatasetError.self) { try Dataset.named("digits", in: directory) }
      #expect(error?.code == .notFound)
      let mine = try Dataset.sample(seed: 11)
      try mine.write(to: "\(directory)/mine.fbds")
      #expect(try Dataset.named("mine", in: directory) == mine)
    }
  }

  @Test func filesThatCannotBeReadOrWrittenSayWhy() throws {
    try withTemporaryDirectory { directory in
      let missing = #expect(throws: DatasetError.self) { try Dataset(path: "\(directory)/none.fbds") }
      #expect(missing?.description.contains("none.fbds: cannot be read: No such file or directory") == true)
      let folder = #expect(throws: DatasetError.self) { try Dataset(path: directory) }
      #expect(folder?.code == .unreadable)
      let sample = try Dataset.sample(seed: 2)
      let noFolder = #expect(throws: DatasetError.self) { try sample.write(to: "\(directory)/no/x.fbds") }
      #expect(noFolder?.description.contains("make its directory") == true)
      // A full disk, as far as a program can tell.
      let full = #expect(throws: DatasetError.self) { try fullDisk(sample, in: directory) }
      #expect(full?.description.contains("free some space") == true)
      // A damaged file is named.
      try sample.write(to: "\(directory)/damaged.fbds")
      truncate("\(directory)/damaged.fbds", 30)
      let damaged = #expect(throws: DatasetError.self) { try Dataset(path: "\(directory)/damaged.fbds") }
      #expect(damaged?.code == .damaged)
      #expect(damaged?.description.contains("damaged.fbds: it is cut off") == true)
    }
  }

  /// The temporary file is a link to the device that is always full.
  private func fullDisk(_ dataset: Dataset, in directory: String) throws {
    symlink("/dev/full", "\(directory)/full.fbds.new")
    try dataset.write(to: "\(directory)/full.fbds")
  }

  private func withTemporaryDirectory(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/fedbridge-datasets-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Unexpected() }
    let directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer { _ = try? removeAll(directory) }
    try body(directory)
  }

  private func removeAll(_ directory: String) throws {
    guard let stream = opendir(directory) else { return }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      unlink("\(directory)/\(name)")
    }
    closedir(stream)
    rmdir(directory)
  }
}

struct Unexpected: Error {}
