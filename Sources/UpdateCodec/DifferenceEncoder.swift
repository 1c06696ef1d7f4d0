public import Bytes
public import TrainingCore

/// Codes a difference in slices, in place: afterwards the values are what the code left out, the residual of
/// error feedback. Nothing is allocated; a value of this type takes ``stateBytes``.
///
/// ``UpdateCoding/step(sixteenths:)`` goes over the values twice, for their root mean square and to code
/// them; ``UpdateCoding/stc(oneIn:)`` six times: four for the smallest magnitude that is kept, one for the
/// mean of those kept. The values must not change in between. A value that is no finite number counts as 0,
/// and 0 is left of it, but for the codings that lose nothing: those send it as it is.
public struct DifferenceEncoder {
  /// Bytes that one call of ``work(on:into:)`` appends at most.
  public static let outputRoom = 1024
  /// Bytes of memory that an encoder takes.
  public static var stateBytes: Int { MemoryLayout<Self>.size }

  private enum Stage {
    case squares, selection, mean, values, done
  }

  /// Values that one call looks at, or codes: a few thousand processor cycles either way.
  private static let lookedAt = 1024
  private static let coded = 256
  /// The most bytes that a value takes: of all codings, the lossless one calls the range coder most often.
  static let valueRoom = LosslessCode.mostCalls * RangeEncoder.bytesPerCall

  /// How the values are coded.
  public let coding: UpdateCoding
  private let count: Int
  private var stage: Stage
  private var position = 0
  private var coder = RangeEncoder()
  private var contexts = Contexts()
  private var squares = ScaledSum()
  private var selection: MagnitudeSelection
  private var ties = 0
  private var scale: Float = 0

  /// Begins to code a difference of `model`'s parameters.
  public init(_ coding: UpdateCoding, for model: ModelDescription) {
    self.coding = coding
    count = model.parameterCount
    selection = MagnitudeSelection(count: count, oneIn: max(2, coding.parameter))
    switch coding {
    case .float32: stage = .values
    case .lossless:
      stage = .values
      LosslessCode.prepare(&contexts)
    case .step: stage = .squares
    case .stc: stage = .selection
    }
  }

  /// One slice of work on all `values`, `model.parameterCount` of them; every call must get the same memory,
  /// unchanged. Calling it again after the end does nothing.
  ///
  /// - Parameter output: gets code bytes; it has ``outputRoom`` bytes of room.
  /// - Returns: whether there is more to do.
  public mutating func work(on values: inout MutableSpan<Float>, into output: inout BoundedBytes) -> Bool {
    precondition(values.count == count, "the span is not as long as the difference")
    switch stage {
    case .squares, .selection, .mean: look(at: values.span, into: &output)
    case .values: code(&values, into: &output)
    case .done: break
    }
    return stage != .done
  }

  // MARK: Looking

  private mutating func look(at values: Span<Float>, into output: inout BoundedBytes) {
    let end = min(count, position + Self.lookedAt)
    let block = values.extracting(position..<end)
    switch stage {
    case .squares: squares.add(squaresOf: block)
    case .selection: selection.count(block, in: &contexts)
    default: selection.add(block, ties: &ties)
    }
    position = end
    guard position == count else { return }
    position = 0
    switch stage {
    case .squares:
      let sixteenths = Float(Int(coding.parameter))
      begin(scale: squares.rootMeanSquare(of: count) * (sixteenths * 0.0625), into: &output)
    case .selection:
      selection.choose(by: &contexts)
      if selection.isComplete { stage = .mean }
    default:
      ties = 0
      begin(scale: selection.mean, into: &output)
    }
  }

  /// Writes the scale and makes ready for the values.
  private mutating func begin(scale: Float, into output: inout BoundedBytes) {
    let code = CodedScale.nearest(to: scale)
    output.append(littleEndian: UInt64(code), width: CodedScale.length)
    self.scale = CodedScale.value(code) ?? 0
    if case .stc(let oneIn) = coding {
      TernaryCode.prepare(&contexts, oneIn: max(2, oneIn))
    } else {
      StepCode.prepare(&contexts)
    }
    stage = .values
  }

  // MARK: Coding

  private mutating func code(_ values: inout MutableSpan<Float>, into output: inout BoundedBytes) {
    let end = min(count, position + Self.coded)
    let mostBytes = output.count + Self.outputRoom - Self.valueRoom - 2
    while position < end, output.count <= mostBytes {
      let value = values[position]
      switch coding {
      case .float32:
        output.append(littleEndian: UInt64(value.bitPattern), width: 4)
        values[position] = 0
      case .lossless:
        LosslessCode.encode(value, &contexts, &coder, into: &output)
        values[position] = 0
      case .step:
        let (index, residual) = StepCode.quantise(value, step: scale)
        StepCode.encode(index, &contexts, &coder, into: &output)
        values[position] = residual
      case .stc:
        values[position] = ternary(value, into: &output)
      }
      position += 1
    }
    guard position == count else { return }
    if coding != .float32 { coder.finish(into: &output) }
    stage = .done
  }

  /// Codes a value and gives what is left of it.
  private mutating func ternary(_ value: Float, into output: inout BoundedBytes) -> Float {
    guard selection.keeps(value, ties: &ties), scale > 0 else {
      TernaryCode.encode(0, &contexts, &coder, into: &output)
      return value.isFinite ? value : 0
    }
    TernaryCode.encode(value < 0 ? -1 : 1, &contexts, &coder, into: &output)
    return value < 0 ? value + scale : value - scale
  }
}
