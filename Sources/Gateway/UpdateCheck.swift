import Aggregation
import Digests
import Rounds
public import TrainingCore
public import UpdateCodec

/// Judges an update that came in.
public enum UpdateCheck {
  /// Reads the difference that an update carries.
  ///
  /// - Parameter model: the model that it belongs to.
  public static func delta(
    of payload: [UInt8], for model: ModelDescription
  ) throws(UpdateError) -> [Float] {
    let header = try UpdateHeader(parsing: payload.span)
    guard Int(header.parameterCount) == model.parameterCount else {
      throw .wrongLength(expected: model.parameterCount, actual: Int(header.parameterCount))
    }
    return try decodeDifference(payload, from: header.length, coding: header.coding, for: model)
  }

  /// What a board contributed, and whether its parameters can be used.
  ///
  /// - Parameters:
  ///   - payload: the whole object, whose digest was checked.
  ///   - board: who sent it.
  ///   - model: what the update belongs to, and its digest.
  ///   - normBound: the largest Euclidean norm allowed.
  static func judge(
    _ payload: [UInt8], from board: BoardID, model: ModelDescription, digest: Digest32, normBound: Float
  ) throws(UpdateError) -> (Rounds.Contribution, UpdateVerdict) {
    let header = try UpdateHeader(parsing: payload.span)
    let contribution = Rounds.Contribution(
      board: board, round: RoundNumber(header.round), base: base(header.base, among: digest),
      update: SHA256.hash(of: payload.span), examples: header.examples, trainingLoss: header.loss)
    // Of another model, its code cannot be read with this one's shape; the coordinator will say so.
    guard header.base == DigestTag(digest) else { return (contribution, .sound) }
    guard Int(header.parameterCount) == model.parameterCount else {
      let reason = RefusalReason.wrongLength(
        found: Int(header.parameterCount), expected: model.parameterCount)
      return (contribution, .unsound(String(describing: reason)))
    }
    let values = try decodeDifference(payload, from: header.length, coding: header.coding, for: model)
    let delta = Aggregation.Contribution(examples: header.examples, delta: values)
    if let reason = delta.refusal(parameterCount: model.parameterCount, normBound: normBound) {
      return (contribution, .unsound(String(describing: reason)))
    }
    return (contribution, .sound)
  }

  /// The digest that a tag stands for: that of the model if it is its tag, else one of which only the tag is known.
  private static func base(_ tag: DigestTag, among digest: Digest32) -> Digest32 {
    if tag == DigestTag(digest) { return digest }
    var bytes = [UInt8](repeating: 0, count: Digest32.count)
    for i in 0..<DigestTag.count { bytes[i] = UInt8(truncatingIfNeeded: tag.rawValue >> UInt64(8 * i)) }
    return Digest32(bytes.span) ?? .zero
  }
}
