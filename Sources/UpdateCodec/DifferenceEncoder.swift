public import Bytes
public import TrainingCore

/// Codes a difference in slices, in place: afterwards the values are what the code left out, the residual of
/// error feedback. Nothing is allocated.
public struct DifferenceEncoder {
  /// Bytes that one call of ``work(on:into:)`` appends at most.
  public static let outputRoom = 1024

  /// How the values are coded.
  public let coding: UpdateCoding
  private let count: Int
  private var position = 0

  /// Begins to code a difference of `model`'s parameters.
  public init(_ coding: UpdateCoding, for model: ModelDescription) {
    self.coding = coding
    count = model.parameterCount
  }

  /// One slice of work on all `values`, `model.parameterCount` of them; every call must get the same memory,
  /// unchanged. Calling it again after the end does nothing.
  ///
  /// - Parameter output: gets code bytes; it has ``outputRoom`` bytes of room.
  /// - Returns: whether there is more to do.
  public mutating func work(on values: inout MutableSpan<Float>, into output: inout BoundedBytes) -> Bool {
    guard coding == .float32, values.count == count else { return false }
    let end = min(count, position + Self.outputRoom / 4)
    for i in position..<end {
      output.append(littleEndian: UInt64(values[i].bitPattern), width: 4)
      values[i] = 0
    }
    position = end
    return position < count
  }
}
