public import BoardRuntime
import Bytes
import Digests
public import TrainingCore

/// A board's examples: a data set file (Protocols/dataset-format.md) that was read into ``ExternalMemory`` and
/// is used where it lies. Its test split are the examples that the board holds out.
public struct ExampleShard: ExampleStore {
  /// Why a file holds no examples.
  enum Failure: Error {
    /// It cannot be opened.
    case cannotOpen
    /// It is longer than the memory for examples.
    case tooLarge
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

  private let file: UnsafeRawBufferPointer
  /// Examples of both sets: the training ones first.
  private var order: UnsafeMutableBufferPointer<UInt32>
  private var trainingCount = 0
  private var labels = 0
  private var splits = 0
  private var features = 0
  private var valueSize = 0

  /// Reads and checks the file.
  init(path: UnsafePointer<UInt8>, length: Int) throws(Failure) {
    guard let source = HostFile(path: path, length: length, mode: .read) else { throw .cannotOpen }
    defer { source.close() }
    guard let memory = UnsafeMutableRawPointer(bitPattern: ExternalMemory.examples),
      let size = source.length, size <= ExternalMemory.examplesLength
    else { throw .tooLarge }
    let count = source.read(into: memory, count: size)
    file = UnsafeRawBufferPointer(start: memory, count: count)
    order = UnsafeMutableBufferPointer(start: nil, count: 0)
    let bytes = UnsafeBufferPointer(start: memory.assumingMemoryBound(to: UInt8.self), count: count)
    try parse(Span(_unsafeElements: bytes))
    try sort(behind: memory + count)
  }

  /// Number of examples.
  public func count(of set: ExampleSet) -> Int {
    set == .training ? trainingCount : order.count - trainingCount
  }

  // MARK: Parsing

  private mutating func parse(_ bytes: Span<UInt8>) throws(Failure) {
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
    guard let checksum = fields.readLittleEndian(width: 4), fields.remaining == 0,
      UInt32(checksum) == CRC32C.of(bytes.extracting(0..<bytes.count - 4))
    else { throw .damaged }
    order = UnsafeMutableBufferPointer(start: nil, count: 0)
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

  /// Writes down which examples belong to which set, in memory behind the file.
  private mutating func sort(behind end: UnsafeMutableRawPointer) throws(Failure) {
    let count = splits - labels == 0 ? 0 : (splits - labels) / 3
    let table = end.alignedUp(for: UInt32.self)
    guard file.count + 8 + 4 * count <= ExternalMemory.examplesLength else { throw .tooLarge }
    order = UnsafeMutableBufferPointer(
      start: table.bindMemory(to: UInt32.self, capacity: count), count: count)
    var place = 0
    for split in UInt8(0)...1 {
      for i in 0..<count where file[splits + i] == split {
        order[place] = UInt32(i)
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
