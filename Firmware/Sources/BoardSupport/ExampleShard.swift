public import BoardRuntime
import Bytes
import Digests
public import TrainingCore

/// A board's examples: a data set file (Protocols/dataset-format.md) that is used where it lies in memory. Its test
/// split are the examples that the board holds out.
public struct ExampleShard: ExampleStore {
  /// Why a file holds no examples.
  public enum Failure: Error {
    /// More than 65,536 examples, or no memory for the order of so many.
    case tooMany
    /// It is no data set file, or of another version.
    case notADataset
    /// It is cut off, its checksum is wrong, or its content contradicts itself.
    case damaged
  }

  /// Features of an example.
  public private(set) var featureWidth = 0
  /// The form of the features.
  public private(set) var input = InputFormat.float32
  /// Number of classes.
  public private(set) var classCount = 0

  /// Their numbers take two bytes each, as RAM is short.
  private static var mostExamples: Int { Int(UInt16.max) + 1 }

  private let file: UnsafeRawBufferPointer
  /// Examples of both sets, by number: the training ones first.
  private var order: UnsafeMutableBufferPointer<UInt16>
  private var trainingCount = 0
  private var labels = 0
  private var splits = 0
  private var features = 0
  private var valueSize = 0

  /// No examples.
  public init() {
    file = UnsafeRawBufferPointer(start: nil, count: 0)
    order = UnsafeMutableBufferPointer(start: nil, count: 0)
  }

  /// Checks a file.
  ///
  /// - Parameters:
  ///   - file: its bytes, which stay as they are.
  ///   - mayBeFollowed: whether other bytes may stand behind the file, as in flash.
  ///   - table: gives memory for as many numbers as it is asked for, or nil if there is not so much.
  public init(
    in file: UnsafeRawBufferPointer, mayBeFollowed: Bool = false,
    table: (Int) -> UnsafeMutableBufferPointer<UInt16>?
  ) throws(Failure) {
    self.file = file
    order = UnsafeMutableBufferPointer(start: nil, count: 0)
    try parse(Span(_unsafeElements: file.assumingMemoryBound(to: UInt8.self)), mayBeFollowed)
    try sort(table)
  }

  /// Number of examples.
  public func count(of set: ExampleSet) -> Int {
    set == .training ? trainingCount : order.count - trainingCount
  }

  // MARK: Parsing

  private mutating func parse(_ bytes: Span<UInt8>, _ mayBeFollowed: Bool) throws(Failure) {
    var fields = ByteReader(bytes)
    let magic: UInt64 = 0x5344_4246  // "FBDS"
    guard fields.readLittleEndian(width: 4) == magic, fields.readLittleEndian(width: 2) == 1 else {
      throw .notADataset
    }
    guard let flags = fields.readLittleEndian(width: 2), flags & ~1 == 0,
      let width = fields.readLittleEndian(width: 2), width >= 1, width <= 4096,
      let classes = fields.readLittleEndian(width: 2), classes >= 1, classes <= 256,
      let examples = fields.readLittleEndian(width: 4), examples <= 0x100_0000,
      let format = fields.readByte(), format <= 1, let zeroPoint = fields.readByte(),
      fields.readLittleEndian(width: 2) == 0, let scaleBits = fields.readLittleEndian(width: 4)
    else { throw .damaged }
    let scale = Float(bitPattern: UInt32(scaleBits))
    guard scale.isFinite, scale > 0 else { throw .damaged }
    featureWidth = Int(width)
    classCount = Int(classes)
    valueSize = format == 1 ? 1 : 4
    input = format == 1 ? .int8(scale: scale, zeroPoint: Int8(bitPattern: zeroPoint)) : .float32

    // The name of the data set and those of the classes; then the columns, which hold 8 bytes more each.
    try skipTexts(1 + classCount, followedBy: 0, &fields)
    if flags & 1 != 0 { try skipTexts(featureWidth, followedBy: 8, &fields) }
    let count = Int(examples)
    labels = try skip(count, &fields)
    _ = try skip(2 * count, &fields)
    splits = try skip(count, &fields)
    // A product that does not fit an Int is cut off as well.
    let (values, overflow) = count.multipliedReportingOverflow(by: featureWidth * valueSize)
    guard !overflow else { throw .damaged }
    features = try skip(values, &fields)
    guard let checksum = fields.readLittleEndian(width: 4), mayBeFollowed || fields.remaining == 0,
      UInt32(checksum) == CRC32C.of(bytes.extracting(0..<fields.offset - 4))
    else { throw .damaged }
    try checkValues(count)
  }

  /// Passes over `count` bytes; where they began.
  private func skip(_ count: Int, _ fields: inout ByteReader) throws(Failure) -> Int {
    let start = fields.offset
    guard fields.read(count) != nil else { throw .damaged }
    return start
  }

  private func skipTexts(_ count: Int, followedBy more: Int, _ fields: inout ByteReader) throws(Failure) {
    for _ in 0..<count {
      guard let length = fields.readByte(), length > 0 else { throw .damaged }
      _ = try skip(Int(length) + more, &fields)
    }
  }

  private func checkValues(_ count: Int) throws(Failure) {
    for i in 0..<count {
      guard Int(file[labels + i]) < classCount, file[splits + i] <= 1 else { throw .damaged }
    }
    guard valueSize == 4 else { return }
    for i in 0..<count * featureWidth {
      guard float(at: features + 4 * i).isFinite else { throw .damaged }
    }
  }

  /// Writes down which examples belong to which set.
  private mutating func sort(_ table: (Int) -> UnsafeMutableBufferPointer<UInt16>?) throws(Failure) {
    let count = (splits - labels) / 3
    guard count <= Self.mostExamples, let table = table(count), table.count == count else { throw .tooMany }
    order = table
    var place = 0
    for split in UInt8(0)...1 {
      for i in 0..<count where file[splits + i] == split {
        order[place] = UInt16(truncatingIfNeeded: i)
        place += 1
      }
      if split == 0 { trainingCount = place }
    }
  }

  // MARK: Examples

  private func float(at offset: Int) -> Float {
    Float(bitPattern: file.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  private func row(_ index: Int, of set: ExampleSet) -> Int? {
    guard index >= 0, index < count(of: set) else { return nil }
    return Int(order[set == .training ? index : trainingCount + index])
  }

  /// Copies the features of an example of float32 input.
  public func load(_ index: Int, of set: ExampleSet, into room: inout MutableSpan<Float>) -> Int? {
    guard let row = row(index, of: set), valueSize == 4, room.count == featureWidth else { return nil }
    for i in 0..<featureWidth { room[i] = float(at: features + 4 * (row * featureWidth + i)) }
    return Int(file[labels + row])
  }

  /// Copies the features of an example of int8 input.
  public func load(_ index: Int, of set: ExampleSet, into room: inout MutableSpan<Int8>) -> Int? {
    guard let row = row(index, of: set), valueSize == 1, room.count == featureWidth else { return nil }
    for i in 0..<featureWidth { room[i] = Int8(bitPattern: file[features + row * featureWidth + i]) }
    return Int(file[labels + row])
  }
}
