import Aggregation
import Bytes
import Digests
import Rounds
public import TrainingCore
public import UpdateCodec

/// A round's result: the next model.
public struct AggregatedModel: Sendable {
  /// What the model is.
  public var description: ModelDescription
  /// The snapshot object.
  public var snapshot: [UInt8]
  /// The encoded description.
  public var encodedDescription: [UInt8]
  /// The parameters.
  public var parameters: [Float]
}

/// The next model, and how boards that hold the base come to it.
public struct RoundResult: Sendable {
  /// The next model, as boards will hold it.
  public var model: AggregatedModel
  /// What turns the base into it; nil if only the snapshot does.
  public var delta: ModelDelta?
  /// What the delta's coding left out of the round's average: it belongs to the next round's. Empty if nothing.
  public var residual: [Float]
}

/// Turns snapshots into parameters and back, and updates into the next model.
public enum RoundAggregation {
  /// The snapshot object of a model.
  public static func snapshot(
    of model: ModelDescription, version: UInt32, parameters: [Float]
  ) -> AggregatedModel {
    let header = ModelSnapshot(version: version, model: model)
    var buffer = BoundedBytes(capacity: ModelSnapshot.maximumHeaderLength)
    header.encodeHeader(into: &buffer)
    var bytes = [UInt8](repeating: 0, count: header.length)
    for i in 0..<buffer.count { bytes[i] = buffer.span[i] }
    var rest = bytes.mutableSpan
    var body = rest._mutatingExtracting(header.headerLength..<header.length)
    ModelSnapshot.writeBytes(of: parameters.span, from: 0, into: &body)
    var description = BoundedBytes(capacity: ModelDescription.maximumEncodedLength)
    model.encode(into: &description)
    return AggregatedModel(
      description: model, snapshot: bytes, encodedDescription: description.copied(), parameters: parameters)
  }

  /// Numbers as little-endian float32.
  public static func bytes(of values: [Float]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 4 * values.count)
    var room = bytes.mutableSpan
    ModelSnapshot.writeBytes(of: values.span, from: 0, into: &room)
    return bytes
  }

  /// Numbers of little-endian float32; an incomplete one at the end is left out.
  public static func floats(of bytes: [UInt8]) -> [Float] {
    var values = [Float](repeating: 0, count: bytes.count / 4)
    var room = values.mutableSpan
    ModelSnapshot.readParameters(bytes.span, into: &room)
    return values
  }

  /// Model and parameters of a snapshot.
  public static func parameters(
    of snapshot: [UInt8]
  ) throws(SnapshotError) -> (ModelDescription, [Float]) {
    let header = try ModelSnapshot(parsing: snapshot.span, length: snapshot.count)
    var parameters = [Float](repeating: 0, count: header.model.parameterCount)
    var room = parameters.mutableSpan
    ModelSnapshot.readParameters(
      snapshot.span.extracting(header.headerLength..<snapshot.count), into: &room)
    return (header.model, parameters)
  }

  /// Federated Averaging: the base model plus the average of the updates, weighted by examples.
  ///
  /// - Parameters:
  ///   - updates: the update objects of the boards that count, each judged sound before.
  ///   - base: the model that all of them began with.
  ///   - coding: of the delta from the base to the result. The result is what boards get by that delta: what the
  ///     coding leaves out is not in it, but in the residual. With `float32` there is no delta: it would be no
  ///     shorter than the snapshot.
  ///   - residual: what was left out before; empty if nothing.
  public static func next(
    from updates: [(examples: UInt32, payload: [UInt8])], base: CurrentModel, coding: UpdateCoding = .float32,
    residual: [Float] = []
  ) throws -> RoundResult {
    let (model, parameters) = try self.parameters(of: base.snapshot)
    var average = FederatedAverage(parameterCount: model.parameterCount)
    for update in updates {
      try average.add(
        Aggregation.Contribution(
          examples: update.examples, delta: try UpdateCheck.delta(of: update.payload, for: model)))
    }
    var change = try average.average()
    // Of a model of another shape it could only be by a mistake: then it is worth nothing.
    if residual.count == change.count { for i in change.indices { change[i] += residual[i] } }
    let version = base.version.number + 1
    guard coding != .float32 else {
      let next = snapshot(
        of: model, version: version, parameters: try apply(base: parameters, average: change))
      return RoundResult(model: next, delta: nil, residual: [])
    }
    return try coded(change, coding, parameters, model, from: base.version, version: version)
  }

  private static func coded(
    _ change: [Float], _ coding: UpdateCoding, _ parameters: [Float], _ model: ModelDescription,
    from base: ModelVersion, version: UInt32
  ) throws -> RoundResult {
    var rest = change
    let code = codeDifference(&rest, coding, for: model)
    let decoded = try decodeDifference(code, from: 0, coding: coding, for: model)
    let next = snapshot(
      of: model, version: version, parameters: try apply(base: parameters, average: decoded))
    let result = ModelVersion(number: version, hash: SHA256.hash(of: next.snapshot.span))
    let header = DeltaHeader(
      coding: coding, version: version, parameterCount: UInt32(clamping: model.parameterCount),
      base: DigestTag(base.hash), result: DigestTag(result.hash))
    var buffer = BoundedBytes(capacity: DeltaHeader.maximumLength)
    header.encode(into: &buffer)
    return RoundResult(
      model: next,
      delta: ModelDelta(base: base, result: result, coding: coding, bytes: buffer.copied() + code),
      residual: rest.contains { $0 != 0 } ? rest : [])
  }
}
