import Bytes
public import TrainingCore

/// Decodes a difference piece by piece. No bytes make it trap or run on: what is no code ends with an error,
/// or is the code of some values. Nothing is allocated; a value of this type takes ``stateBytes``.
public struct DifferenceDecoder {
  /// A piece of input must have at least so many bytes unless it ends the code; of a shorter one nothing is used.
  public static let inputRoom = 112
  /// Bytes of memory that a decoder takes.
  public static var stateBytes: Int { MemoryLayout<Self>.size }

  /// How the values are coded.
  public let coding: UpdateCoding
  private let count: Int
  private var position = 0
  private var consumed = 0
  private var hasBegun = false
  private var coder = RangeDecoder()
  private var contexts = Contexts()
  private var scale: Float = 0

  /// Whether every value was produced and the code ended exactly where it should.
  public private(set) var isComplete = false

  /// Begins to decode a difference of `model`'s parameters.
  public init(_ coding: UpdateCoding, for model: ModelDescription) {
    self.coding = coding
    count = model.parameterCount
  }

  /// Decodes as many values as `bytes` give and `values` has room for.
  ///
  /// - Parameters:
  ///   - bytes: the code from where the last call stopped consuming it.
  ///   - isLast: whether the code ends with `bytes`.
  ///   - values: gets the next values, from its first place on.
  /// - Returns: how many bytes are done with, and how many values were written.
  /// - Throws: ``UpdateError``; what was decoded so far is then worth nothing.
  public mutating func decode(
    _ bytes: Span<UInt8>, isLast: Bool, into values: inout MutableSpan<Float>
  ) throws(UpdateError) -> (consumed: Int, produced: Int) {
    if isComplete {
      guard bytes.count == 0 else { throw .wrongLength(expected: consumed, actual: consumed + bytes.count) }
      return (0, 0)
    }
    var input = ByteReader(bytes)
    let produced =
      coding == .float32
      ? copyValues(&input, into: &values)
      : try decodeValues(&input, isLast: isLast, into: &values)
    consumed += input.offset
    if position == count || isLast && produced < values.count {
      try end(left: input.remaining, isLast: isLast)
    }
    return (input.offset, produced)
  }

  private mutating func copyValues(_ input: inout ByteReader, into values: inout MutableSpan<Float>) -> Int {
    let produced = min(input.remaining / 4, min(values.count, count - position))
    for i in 0..<produced {
      values[i] = Float(bitPattern: UInt32(truncatingIfNeeded: input.readLittleEndian(width: 4) ?? 0))
    }
    position += produced
    return produced
  }

  private mutating func decodeValues(
    _ input: inout ByteReader, isLast: Bool, into values: inout MutableSpan<Float>
  ) throws(UpdateError) -> Int {
    if !hasBegun {
      guard isLast || input.remaining >= Self.inputRoom else { return 0 }
      try begin(&input)
    }
    var produced = 0
    while produced < values.count, position < count, isLast || input.remaining >= DifferenceEncoder.valueRoom
    {
      values[produced] = try nextValue(&input)
      guard !coder.isPastEnd else {
        let actual = consumed + input.offset
        throw .wrongLength(expected: actual + 1, actual: actual)
      }
      produced += 1
      position += 1
    }
    return produced
  }

  /// Reads what comes before the values.
  private mutating func begin(_ input: inout ByteReader) throws(UpdateError) {
    switch coding {
    case .float32, .lossless: LosslessCode.prepare(&contexts)
    case .step: StepCode.prepare(&contexts)
    case .stc(let oneIn): TernaryCode.prepare(&contexts, oneIn: max(2, oneIn))
    }
    if coding != .lossless {
      guard let code = input.readLittleEndian(width: CodedScale.length) else {
        throw .wrongLength(expected: CodedScale.length, actual: input.remaining)
      }
      guard let value = CodedScale.value(UInt32(truncatingIfNeeded: code)) else { throw .notFinite }
      scale = value
    }
    coder.begin(&input)
    hasBegun = true
  }

  private mutating func nextValue(_ input: inout ByteReader) throws(UpdateError) -> Float {
    let index: Int32
    switch coding {
    case .float32, .lossless: return try LosslessCode.decode(&contexts, &coder, &input)
    case .step: index = try StepCode.decode(&contexts, &coder, &input)
    case .stc: index = TernaryCode.decode(&contexts, &coder, &input)
    }
    guard index != 0 else { return 0 }
    let value = Float(Int(index)) * scale
    guard value.isFinite else { throw .notFinite }
    return value
  }

  /// Looks whether the code ends where the values do.
  private mutating func end(left: Int, isLast: Bool) throws(UpdateError) {
    let actual = consumed + left
    var expected = 4 * count
    if coding != .float32 {
      guard hasBegun else { return }
      expected = coder.expectedLength + (coding == .lossless ? 0 : CodedScale.length)
    }
    if left > 0 && position == count { throw .wrongLength(expected: expected, actual: actual) }
    guard isLast else { return }
    guard position == count, actual == expected else {
      throw .wrongLength(expected: expected, actual: actual)
    }
    guard coding == .float32 || coder.endsHere else { throw .malformed }
    isComplete = true
  }
}
