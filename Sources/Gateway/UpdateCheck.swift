import Aggregation
import Digests
import Rounds
public import UpdateCodec

/// Judges an update that came in.
public enum UpdateCheck {
  /// Reads the difference that an update carries.
  public static func delta(of payload: [UInt8]) throws(UpdateError) -> [Float] {
    let header = try UpdateHeader(parsing: payload.span)
    var delta = [Float](repeating: 0, count: Int(header.parameterCount))
    var room = delta.mutableSpan
    ModelSnapshot.readParameters(payload.span.extracting(UpdateHeader.length..<payload.count), into: &room)
    return delta
  }

  /// What a board contributed, and whether its parameters can be used.
  ///
  /// - Parameters:
  ///   - payload: the whole object, whose digest was checked.
  ///   - board: who sent it.
  ///   - parameterCount: of the current model.
  ///   - normBound: the largest Euclidean norm allowed.
  static func judge(
    _ payload: [UInt8], from board: BoardID, parameterCount: Int, normBound: Float
  ) throws(UpdateError) -> (Rounds.Contribution, UpdateVerdict) {
    let header = try UpdateHeader(parsing: payload.span)
    let contribution = Rounds.Contribution(
      board: board, round: RoundNumber(header.round), base: header.base,
      update: SHA256.hash(of: payload.span), examples: header.examples, trainingLoss: header.loss)
    let delta = Aggregation.Contribution(examples: header.examples, delta: try delta(of: payload))
    if let reason = delta.refusal(parameterCount: parameterCount, normBound: normBound) {
      return (contribution, .unsound(String(describing: reason)))
    }
    return (contribution, .sound)
  }
}
