public import TrainingCore

/// Decodes a difference piece by piece. No bytes make it trap. Nothing is allocated.
public struct DifferenceDecoder {
  /// A piece of input must have at least so many bytes unless it ends the code; of a shorter one nothing is used.
  public static let inputRoom = 64

  /// How the values are coded.
  public let coding: UpdateCoding
  private let count: Int
  private var position = 0
  private var consumed = 0

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
    guard coding == .float32 else { throw .unsupportedCoding(coding.code) }
    let produced = min(bytes.count / 4, values.count, count - position)
    for i in 0..<produced {
      let bits =
        UInt32(bytes[4 * i]) | UInt32(bytes[4 * i + 1]) << 8 | UInt32(bytes[4 * i + 2]) << 16
        | UInt32(bytes[4 * i + 3]) << 24
      values[i] = Float(bitPattern: bits)
    }
    position += produced
    consumed += 4 * produced
    let left = bytes.count - 4 * produced
    let ends = position == count ? left > 0 || isLast : isLast && left < 4
    if ends {
      guard position == count, left == 0 else {
        throw .wrongLength(expected: 4 * count, actual: consumed + left)
      }
      isComplete = true
    }
    return (4 * produced, produced)
  }
}
