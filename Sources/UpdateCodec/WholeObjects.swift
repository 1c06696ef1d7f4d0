#if !hasFeature(Embedded)
  public import TrainingCore
  import Bytes

  // Whole objects in arrays. For hosts: they allocate.

  extension UpdateHeader {
    /// The whole object: this header, and `values` coded as it says.
    ///
    /// - Parameter values: `model.parameterCount` differences; afterwards what the code left out.
    public func object(coding values: inout [Float], for model: ModelDescription) -> [UInt8] {
      var buffer = BoundedBytes(capacity: Self.maximumLength)
      encode(into: &buffer)
      return buffer.copied() + codeDifference(&values, coding, for: model)
    }
  }

  extension DeltaHeader {
    /// The whole object: this header, and `values` coded as it says.
    ///
    /// - Parameter values: `model.parameterCount` differences; afterwards what the code left out.
    public func object(coding values: inout [Float], for model: ModelDescription) -> [UInt8] {
      var buffer = BoundedBytes(capacity: Self.maximumLength)
      encode(into: &buffer)
      return buffer.copied() + codeDifference(&values, coding, for: model)
    }
  }

  /// The code of a difference.
  ///
  /// - Parameter values: `model.parameterCount` of them; afterwards what the code left out.
  public func codeDifference(
    _ values: inout [Float], _ coding: UpdateCoding, for model: ModelDescription
  ) -> [UInt8] {
    var encoder = DifferenceEncoder(coding, for: model)
    var output = BoundedBytes(capacity: DifferenceEncoder.outputRoom)
    var code: [UInt8] = []
    var span = values.mutableSpan
    var more = true
    while more {
      output.removeAll()
      more = encoder.work(on: &span, into: &output)
      code += output.copied()
    }
    return code
  }

  /// The difference that an object carries after its header.
  ///
  /// - Parameters:
  ///   - object: the whole object.
  ///   - offset: the length of its header.
  ///   - coding: how the header says it is coded.
  ///   - model: the model it belongs to; whether it has as many parameters as the header says is for the
  ///     caller to compare.
  public func decodeDifference(
    _ object: [UInt8], from offset: Int, coding: UpdateCoding, for model: ModelDescription
  ) throws(UpdateError) -> [Float] {
    guard offset >= 0, offset <= object.count else { throw .malformed }
    var decoder = DifferenceDecoder(coding, for: model)
    var values = [Float](repeating: 0, count: model.parameterCount)
    var room = values.mutableSpan
    _ = try decoder.decode(object.span.extracting(offset..<object.count), isLast: true, into: &room)
    guard decoder.isComplete else { throw .malformed }
    return values
  }
#endif
